"""Reading what a request carries, strictly: its body, its query, the session it names."""

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from emg_api.refusals import BadQuery, BodyTooLarge, SessionNotFound

MOST_BODY_BYTES = 64 * 1024

T = TypeVar("T", bound=msgspec.Struct)

_SESSION_KEY = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


async def read_body(request: Request) -> bytes:
    """Return the body; raises BodyTooLarge as soon as it is, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise BodyTooLarge(f"a notice has at most {MOST_BODY_BYTES} bytes")
    return bytes(body)


def parse_query(request: Request, kind: type[T]) -> T:
    """Return the query as a record; raises BadQuery naming what is unknown, repeated or out of bounds."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    unknown = sorted(set(names) - set(kind.__struct_fields__))
    if unknown:
        raise BadQuery(f"unknown: {', '.join(unknown)}; known here: {', '.join(kind.__struct_fields__) or 'none'}")
    if len(set(names)) < len(names):
        raise BadQuery("each parameter may be given once")
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadQuery(str(error)) from error


def session_key(request: Request, name: str) -> str:
    """Return a session's id or code from the path; raises SessionNotFound for what can't be one.

    The key becomes part of a path of the Kubernetes API, so nothing else may get through.
    """
    key = str(request.path_params[name]).lower()
    if not _SESSION_KEY.fullmatch(key):
        raise SessionNotFound("this is neither a session's id nor its code")
    return key
