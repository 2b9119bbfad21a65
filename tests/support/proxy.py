"""A network that can fall silent: connections stay open, and nothing comes through."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK_BYTES = 65536


class Proxy:
    """Passes bytes on to a port of this machine until told not to."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._flowing: list[threading.Event] = []
        self.port: int = self._listening.getsockname()[1]

    def fall_silent(self) -> None:
        """Hold back all that the connections there are would bring from now on; new ones are not held back."""
        for flowing in self._flowing:
            flowing.clear()

    def serve(self) -> None:
        """Accept connections until closed."""
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                flowing = threading.Event()
                flowing.set()
                self._flowing.append(flowing)
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(source, target, flowing), daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _pass_on(source: socket.socket, target: socket.socket, flowing: threading.Event) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(_CHUNK_BYTES):
            flowing.wait()
            target.sendall(data)


@contextmanager
def proxied(target_port: int) -> Iterator[Proxy]:
    """Run a proxy while the block runs."""
    proxy = Proxy(target_port)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
