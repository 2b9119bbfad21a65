"""Answers: JSON by msgspec, packed bodies, streams; and the entity tags that let browsers keep them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emg_api.negotiation import VARIES, Coding, MediaType
from emg_api.packing import Packed

_ENCODER = msgspec.json.Encoder()
# A client that takes longer would keep others from their share of memory.
_SECONDS_TO_SEND = 120.0


def encode(answer: Any) -> bytes:  # noqa: ANN401 - whatever msgspec can encode
    """Encode as JSON; not a number and infinity become null."""
    return _ENCODER.encode(answer)


def json_response(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401
    """Return an answer as JSON."""
    return Response(encode(answer), status, headers, media_type=MediaType.JSON)


def packed_response(packed: Packed, tag: str, media_type: MediaType) -> Response:
    """Return a body that its reader may keep."""
    return Response(packed.body, headers=caching(tag) | _encoding(packed.coding), media_type=media_type)


class Streamed(Response):
    """A body in chunks, the first of which is there before the answer begins: what can fail fails before that."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], tag: str, coding: Coding, media_type: MediaType) -> None:
        super().__init__(headers=caching(tag) | _encoding(coding), media_type=media_type)
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send everything, or for HEAD the headers alone; raises TimeoutError for a client that takes too long."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        async with aclosing(self._chunks) as chunks:
            if scope["method"] == "HEAD":
                await send(start)
            else:
                chunk = await anext(chunks)
                await send(start)
                async with asyncio.timeout(_SECONDS_TO_SEND):
                    await _send_body(chunk, chunks, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_body(first: bytes, others: AsyncGenerator[bytes, None], send: Send) -> None:
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for chunk in others:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


def entity_tag(*parts: str) -> str:
    """Return a strong entity tag of all that decides an answer."""
    return f'"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


def caching(tag: str) -> dict[str, str]:
    """Return the headers of an answer that its reader's browser, and nobody else, may keep."""
    return {"etag": tag, "cache-control": "private", **VARIES}


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this tag (RFC 9110 §13.1.2: weak comparison); a tag is only known of what exists."""
    given = ",".join(request.headers.getlist("if-none-match"))
    return tag.removeprefix("W/") in (t.strip().removeprefix("W/") for t in given.split(","))


def is_any_known(request: Request) -> bool:
    """Whether If-None-Match is `*`: true of whatever exists, so ask only once that is certain."""
    return request.headers.get("if-none-match", "").strip() == "*"


def not_modified(tag: str) -> Response:
    """Return 304 for an answer the reader has."""
    return Response(status_code=304, headers=caching(tag))


def _encoding(coding: Coding) -> dict[str, str]:
    return {} if coding is Coding.IDENTITY else {"content-encoding": coding}
