"""A wire that counts: it hands on what goes through it, and knows how much that was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_CHUNK_BYTES = 64 * 1024


@dataclass
class Wire:
    """`received_bytes` are all that came from the server: headers too."""

    port: int = 0
    requests: int = 0
    received_bytes: int = 0


@asynccontextmanager
async def counting_wire(host: str, port: int) -> AsyncIterator[Wire]:
    """Listen on a free port of the loopback interface and hand on to a server without TLS, while the block runs."""
    wire, joined = Wire(), set[asyncio.Task[None]]()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(host, port)
        with suppress(ConnectionError):
            await asyncio.gather(_ask(reader, to_server, wire), _answer(from_server, writer, wire))

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        joined.add(asyncio.create_task(join(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1")
    wire.port = server.sockets[0].getsockname()[1]
    async with server:
        yield wire
        for connection in joined:
            connection.cancel()
        await asyncio.gather(*joined, return_exceptions=True)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        wire.requests += data.count(b" HTTP/1.1\r\n")
        writer.write(data)
        await writer.drain()
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        wire.received_bytes += len(data)
        writer.write(data)
        await writer.drain()
    writer.close()
