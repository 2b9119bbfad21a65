"""Answers: JSON by msgspec, and the entity tags that let browsers keep them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder()


def encode(answer: Any) -> bytes:  # noqa: ANN401 - whatever msgspec can encode
    """Encode as JSON; not a number and infinity become null."""
    return _ENCODER.encode(answer)


def json_response(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401
    """Return an answer as JSON."""
    return Response(encode(answer), status, headers, media_type="application/json")


def entity_tag(*parts: str) -> str:
    """Return a strong entity tag of all that decides an answer."""
    return f'"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


def caching(tag: str) -> dict[str, str]:
    """Return the headers of an answer that its reader's browser, and nobody else, may keep."""
    return {"etag": tag, "cache-control": "private"}


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this tag (RFC 9110 §13.1.2: weak comparison); a tag is only known of what exists."""
    given = request.headers.get("if-none-match", "")
    return tag.removeprefix("W/") in (t.strip().removeprefix("W/") for t in given.split(","))


def is_any_known(request: Request) -> bool:
    """Whether If-None-Match is `*`: true of whatever exists, so ask only once that is certain."""
    return request.headers.get("if-none-match", "").strip() == "*"


def not_modified(tag: str) -> Response:
    """Return 304 for an answer the reader has."""
    return Response(status_code=304, headers=caching(tag))
