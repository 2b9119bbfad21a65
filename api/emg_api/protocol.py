"""HTTP on one connection: uvicorn's protocol with bounds on how large a request's head may be, and how slow.

uvicorn bounds neither: connections that never finish asking would stay for ever, and their heads in memory. The same
goes for what follows a body in chunks (trailers), for a body that nobody reads, and for an answer that nobody takes.
"""

import fcntl
import struct
import termios
from asyncio import BaseTransport, Transport
from asyncio.events import TimerHandle
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
SECONDS_FOR_A_HEAD = 10.0
# A reader that is slower keeps other answers from the memory they need.
SECONDS_TO_TAKE_SOME, SOME_BYTES = 10.0, 16 * 1024

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose request's head is too large or too slow, or that do not take their answer."""

    _head_bytes = 0
    _patience: TimerHandle | None = None
    _taking: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a first request."""
        super().connection_made(cast(Transport, transport))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Send no more before what there is was taken, and watch that."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._stop_watching()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take more of a request."""
        self._head_bytes += len(data)
        waited, cycle = self.timeout_keep_alive_task is not None, self.cycle
        super().data_received(data)
        if waited and self.cycle is cycle:
            self._wait()  # empty lines, too, end uvicorn's wait for a next request, and begin none
        if self._head_bytes > MOST_HEAD_BYTES:
            self._end(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request's head."""
        super().on_message_begin()
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after the body (a trailer) is none."""
        if self._patience is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let whoever answers wait for the body."""
        self._wait_no_longer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take more of the body, which whoever reads it bounds; what follows it is counted anew."""
        self._head_bytes = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on with the next request, if this one is over: the rest of a body that nobody reads has no time limit."""
        unread = not self.pipeline and self.cycle.more_body
        super().on_response_complete()
        if unread:
            self.transport.close()

    def _watch(self) -> None:
        self._taking = self.loop.call_later(SECONDS_TO_TAKE_SOME, self._look, _untaken_bytes(self.transport))

    def _look(self, before_bytes: int) -> None:
        if before_bytes - _untaken_bytes(self.transport) < SOME_BYTES:
            self.transport.abort()
        else:
            self._watch()

    def _stop_watching(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _wait(self) -> None:
        if self._patience is None:
            self._head_bytes = 0
            self._patience = self.loop.call_later(SECONDS_FOR_A_HEAD, self._end, _TOO_SLOW)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self, answer: bytes) -> None:
        self._wait_no_longer()
        if not self.transport.is_closing():
            if not self._is_answering():
                self.transport.write(answer)
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether an answer is half sent, or a request before this one has none yet."""
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        return begun or bool(self.pipeline)


def _untaken_bytes(transport: Transport) -> int:
    """Count what the client's machine has not acknowledged: the kernel holds megabytes, and takes more in bursts."""
    answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(struct.calcsize("i")))
    in_kernel: int = struct.unpack("i", answer)[0]
    return in_kernel + transport.get_write_buffer_size()
