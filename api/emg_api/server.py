"""Serving an application until the process is told to stop."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from emg_api.protocol import BoundedProtocol
from emg_session.database import SummaryStore
from emg_session.errors import DatabaseUnavailable, InvalidSettings

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Stops on a signal and returns, so that what the application uses is closed; uvicorn's own dies of it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open the port; raises InvalidSettings where it can't be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InvalidSettings(f"can't listen on {host}:{port} ({error.strerror}): set EMG_HOST, EMG_PORT") from error


def web_config(application: ASGIApp) -> uvicorn.Config:
    """Return how every web program of ours is served."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=BoundedProtocol,
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
    )


async def serve(application: Starlette, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    host, port, *_ = listener.getsockname()
    _log.info("listening", extra={"host": host, "port": port})
    _set_aside_what_stays()
    await _Server(web_config(application)).serve(sockets=[listener])


def _set_aside_what_stays() -> None:
    """Spare the garbage collector modules and settings: looking through them again held every request up for 50 ms."""
    gc.collect()
    gc.freeze()


async def refuse_other_schema(summaries: SummaryStore) -> None:
    """Raise SchemaMismatch where the database has other tables; one that is away may come back with the right ones."""
    try:
        await summaries.check_schema()
    except DatabaseUnavailable as failure:
        _log.warning("started without the database", extra={"reason": str(failure)})
