"""What only shows on a real connection: bodies and heads that are slow, endless, packed or malformed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from emg_api import protocol, requests
from emg_api.app import create_both, create_receiver
from emg_local.server import Server, listening_socket
from tests.support import waiting
from tests.support.web import UPLOAD, inserted, post, signed

BODY = b'{"type": "DELETE", "table": "objects", "schema": "storage"}'
READ_AHEAD_BYTES = 64 * 1024


@pytest.fixture
async def port(receiver) -> AsyncIterator[int]:
    """A receiver that listens."""
    with listening_socket(0) as listening:
        server = Server(create_receiver(receiver), listening)
        serving = asyncio.create_task(server.run_until_stopped())
        await server.ready.wait()
        yield listening.getsockname()[1]
        server.stop()
        await serving


def request(*lines: str, body: bytes = b"", method: str = "POST") -> bytes:
    """Return a signed request with these header lines."""
    own = [f"{name}: {value}" for name, value in signed(BODY).items()]
    head = "\r\n".join([f"{method} {UPLOAD} HTTP/1.1", "Host: emg", *own, *lines, "", ""])
    return head.encode("latin-1") + body


async def talk(port: int, *parts: bytes) -> bytes:
    """Send parts, then read whatever comes until the server closes the connection, as each request here asks it to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


def status_and_type(answer: bytes) -> tuple[int, str]:
    """Return the answer's status and the end of its problem's type."""
    head, _, body = answer.partition(b"\r\n\r\n")
    kind = body.partition(b"urn:emg-operator:problem:")[2].partition(b'"')[0]
    return int(head.split(b" ")[1]), kind.decode()


async def test_a_body_in_chunks_without_a_length_is_read(port):
    parts = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (BODY[:10], BODY[10:])]
    head = request("Transfer-Encoding: chunked", "Connection: close")

    assert status_and_type(await talk(port, head, *parts, b"0\r\n\r\n"))[0] == 200


async def test_a_request_without_length_and_chunks_has_no_body(port):
    assert status_and_type(await talk(port, request("Connection: close"))) == (401, "not-signed")


async def test_a_body_that_stops_coming_is_given_up(port, monkeypatch):
    monkeypatch.setattr(requests, "_SECONDS_FOR_A_BODY", 0.05)

    answer = await talk(port, request(f"Content-Length: {len(BODY)}"), BODY[:10])

    assert status_and_type(answer) == (408, "body-too-slow")
    assert b"connection: close" in answer


async def test_a_large_body_is_refused_by_what_its_length_says(port):
    answer = await talk(port, request("Content-Length: 65537"))

    assert status_and_type(answer) == (413, "body-too-large")


async def test_an_endless_body_is_refused_once_it_is_too_large(port):
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"

    answer = await talk(port, request("Transfer-Encoding: chunked"), *[chunk] * 5)

    assert status_and_type(answer) == (413, "body-too-large")


@pytest.mark.parametrize("lines", [["Content-Encoding: gzip"], ["Content-Encoding: identity", "Content-Encoding: br"]])
async def test_a_packed_body_is_refused_unread(port, lines):
    answer = await talk(port, request(*lines, f"Content-Length: {len(BODY)}"), BODY)

    assert status_and_type(answer) == (415, "unsupported-media")


async def test_a_header_that_proves_something_may_be_there_once(port):
    answer = await talk(
        port, request("X-Supabase-Signature: sha256=00", f"Content-Length: {len(BODY)}", "Connection: close", body=BODY)
    )

    assert status_and_type(answer) == (400, "repeated-header")


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Content-Length: 1e3"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["X-\x00: 1"],
    ],
)
async def test_a_malformed_head_is_refused(port, lines):
    assert status_and_type(await talk(port, request(*lines, body=BODY)))[0] == 400


async def test_a_head_that_never_ends_is_refused_once_it_is_too_large(port):
    answer = await talk(port, b"POST / HTTP/1.1\r\nX-A: ", *[b"a" * 0x4000] * 6)

    assert status_and_type(answer)[0] == 431


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nHost: e"])
async def test_a_head_that_stops_coming_is_given_up(port, monkeypatch, start):
    monkeypatch.setattr(protocol, "SECONDS_FOR_A_HEAD", 0.05)

    assert status_and_type(await talk(port, start))[0] == 408


async def test_what_follows_a_body_is_bounded_as_a_head_is(port):
    head = request("Transfer-Encoding: chunked")
    for trailers in ([b"X-A: ", *[b"a" * 0x4000] * 6], [b"X-A: a\r\n" * 0x800] * 6):
        answer = await talk(port, head, b"0\r\n", *trailers)

        assert status_and_type(answer)[0] == 431


async def test_what_follows_a_body_proves_nothing(port):
    unproven = request("Transfer-Encoding: chunked", "Connection: close").replace(b"x-supabase-signature", b"x-other")
    trailer = f"x-supabase-signature: {signed(BODY)['x-supabase-signature']}\r\n\r\n".encode()

    answer = await talk(port, unproven, b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY), trailer)

    assert status_and_type(answer) == (401, "not-signed")


async def test_a_connection_whose_body_nobody_reads_ends_with_the_answer(port):
    head = request("Content-Length: 60000", method="DELETE")

    assert status_and_type(await talk(port, head, b"a"))[0] == 405


async def test_empty_lines_between_requests_hold_no_connection(port, monkeypatch):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    await reader.readuntil(b"not-signed")
    monkeypatch.setattr(protocol, "SECONDS_FOR_A_HEAD", 0.05)
    writer.write(b"\r\n")

    assert b"HTTP/1.1 408 " in await asyncio.wait_for(reader.read(), 60)
    writer.close()


async def test_large_heads_one_after_another_are_bounded_one_by_one(port):
    large = request(f"Content-Length: {len(BODY)}", f"X-A: {'a' * 60_000}", body=BODY)
    answer = await talk(port, large, large, request("Connection: close"))

    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.count(b"HTTP/1.1 401 ") == 1


@pytest.fixture
async def viewing(receiver, gate) -> AsyncIterator[tuple[int, Server]]:
    """Everything, on a socket that holds little of what is sent."""
    with listening_socket(0) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        server = Server(create_both(receiver, gate), listening)
        serving = asyncio.create_task(server.run_until_stopped())
        await server.ready.wait()
        yield listening.getsockname()[1], server
        server.stop()
        await serving


@pytest.mark.parametrize("form", ["CH1", "CH1?start=0"])
async def test_an_answer_that_nobody_takes_holds_no_memory(viewing, web, monkeypatch, form):
    port, server = viewing
    session = (await post(web, inserted("P001/one.c3d"))).json()["session_code"]
    monkeypatch.setattr(protocol, "SECONDS_TO_TAKE_SOME", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET /signals/jit/{session}/{form} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    await reader.readuntil(b" 200 OK")
    await waiting.until(lambda: not server.server_state.connections, "the connection is ended")
    writer.close()


@dataclass
class Unread:
    """A transport of which so many bytes are not taken yet, beside what its socket holds."""

    socket: socket.socket
    waiting_bytes: int = 0
    aborted: bool = False

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def get_extra_info(self, name: str) -> socket.socket:
        return getattr(self, name)

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("taken_bytes", "aborted"), [([20_000, 20_000], False), ([20_000, 10_000], True), ([0], True)])
async def test_a_reader_may_be_slow_but_has_to_take_some(taken_bytes, aborted):
    with socket.socket() as unconnected:
        connection, looks = watched(Unread(socket=unconnected, waiting_bytes=90_000))
        for taken in taken_bytes:
            connection.transport.waiting_bytes -= taken
            look, before = looks.pop()
            look(before)

    assert (connection.transport.aborted, len(looks)) == (aborted, 0 if aborted else 1)


async def test_a_reader_takes_what_the_kernel_held_as_well():
    with full_connection() as (sending, reading):
        connection, looks = watched(Unread(socket=sending, waiting_bytes=90_000))
        left_bytes = 3 * READ_AHEAD_BYTES
        while left_bytes > 0:
            left_bytes -= len(reading.recv(left_bytes))
        look, before = looks.pop()
        look(before)

    assert (connection.transport.aborted, len(looks)) == (False, 1)


def watched(transport: Unread) -> tuple[protocol.BoundedProtocol, list]:
    """Return a connection that may send no more, and its next look."""
    connection, looks = object.__new__(protocol.BoundedProtocol), []
    connection.loop = SimpleNamespace(call_later=lambda _seconds, look, before: looks.append((look, before)))
    connection.transport = transport
    connection.flow = SimpleNamespace(pause_writing=lambda: None)
    connection.pause_writing()
    return connection, looks


@contextmanager
def full_connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a connection whose sender's kernel takes no more, and whose reader's holds little."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as reading:
        reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_AHEAD_BYTES // 2)  # the kernel doubles it
        reading.settimeout(60)
        reading.connect(listening.getsockname())
        with listening.accept()[0] as sending:
            sending.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    sending.send(bytes(READ_AHEAD_BYTES))
            yield sending, reading


async def test_a_sender_that_goes_away_is_no_error_of_ours(port, caplog):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(f"Content-Length: {len(BODY)}", body=BODY[:10]))
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert status_and_type(await talk(port, request("Connection: close")))[0] == 401
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
