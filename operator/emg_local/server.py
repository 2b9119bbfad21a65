"""The web server inside `emg run`: says when it serves, and leaves signals to its program."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from emg_api.server import web_config
from emg_session.errors import InvalidSettings

HOST = "127.0.0.1"
_SECONDS_FOR_OPEN_REQUESTS = 1


class Server(uvicorn.Server):
    """uvicorn serving one app on a listening socket."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        config = web_config(app)
        config.timeout_graceful_shutdown = _SECONDS_FOR_OPEN_REQUESTS
        super().__init__(config)
        self._listening = listening
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: uvicorn would take them from `emg run`, which has more to stop than a web server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self.ready.set()

    async def run_until_stopped(self) -> None:
        """Serve until `stop`."""
        await self.serve(sockets=[self._listening])

    def stop(self) -> None:
        """Finish open requests, then end."""
        self.should_exit = True


def listening_socket(port: int) -> socket.socket:
    """Listen on this machine alone, 0 meaning any free port; raises InvalidSettings where the port is taken."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise InvalidSettings(f"port {port} {why}: choose another with --port, or --port 0 for any free one") from error
