"""Reading what a request carries, strictly: its body, its query, the session it names."""

import asyncio
import re
from functools import cache
from typing import Annotated

import msgspec
import msgspec.inspect
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from emg_api.adapters.request import RawRequest
from emg_api.refusals import (
    BadPath,
    BadQuery,
    BodyIncomplete,
    BodyTooLarge,
    BodyTooSlow,
    SessionNotFound,
    UnsupportedMedia,
)

MOST_BODY_BYTES = 64 * 1024
# What PostgreSQL takes in a text and in jsonb.
PLAIN_PATTERN = r"^[^\x00-\x1f\x7f]*$"
_MOST_DIGITS = 12
_SECONDS_FOR_A_BODY = 10.0

_SESSION_KEY = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class SessionPath(msgspec.Struct, frozen=True):
    """A session by its id or code."""

    session_id: Annotated[str, msgspec.Meta(min_length=1, description="a session's id or code")]


class CodePath(msgspec.Struct, frozen=True):
    """A session by its code."""

    session_code: Annotated[str, msgspec.Meta(min_length=1, description="a session's code")]


class SenderPath(msgspec.Struct, frozen=True):
    """A sender by its name."""

    sender: Annotated[str, msgspec.Meta(min_length=1, description="a sender that something is set for")]


class SenderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What senders can't put into a header."""

    code: Annotated[str, msgspec.Meta(description="Azure's key, which Event Grid appends to addresses")] | None = None


class OfProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Without a profile, the session's own result."""

    profile: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=100,
                pattern=PLAIN_PATTERN,
                description="another result of the recording, by its profile's name or digest",
            ),
        ]
        | None
    ) = None


class ChannelPath(msgspec.Struct, frozen=True):
    """A channel of a session."""

    session_id: Annotated[str, msgspec.Meta(min_length=1, description="a session's id or code")]
    channel_name: Annotated[str, msgspec.Meta(min_length=1, description="in any case; CH1 is CH1 Raw")]


async def read_raw(request: Request) -> RawRequest:
    """Return a request as it came; raises UnsupportedMedia, BodyTooLarge, BodyTooSlow, BodyIncomplete."""
    _refuse_encoded(request)
    try:
        async with asyncio.timeout(_SECONDS_FOR_A_BODY):
            body = await _read_body(request)
    except TimeoutError as error:
        raise BodyTooSlow(f"the body did not come within {_SECONDS_FOR_A_BODY:g} s") from error
    except ClientDisconnect as error:
        raise BodyIncomplete("the connection ended before the body did") from error
    return RawRequest(headers=request.headers.items(), body=body, code=request.query_params.get("code"))


def _refuse_encoded(request: Request) -> None:
    """Nothing is ever unpacked, so nothing small becomes large."""
    if {value.strip().lower() for value in request.headers.getlist("content-encoding")} - {"identity"}:
        raise UnsupportedMedia("a notice is sent as it is, without Content-Encoding")


async def _read_body(request: Request) -> bytes:
    """Return the body; refused as soon as it is too large, by what Content-Length says or by what comes."""
    _refuse_large(_said_bytes(request))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _refuse_large(len(body))
    return bytes(body)


def _said_bytes(request: Request) -> int:
    said = request.headers.get("content-length", "")
    return int(said[:_MOST_DIGITS]) if said.isdecimal() else 0


def _refuse_large(size_bytes: int) -> None:
    if size_bytes > MOST_BODY_BYTES:
        raise BodyTooLarge(f"a notice has at most {MOST_BODY_BYTES} bytes")


def check_path(request: Request, kind: type[msgspec.Struct]) -> None:
    """Raise BadPath where a part of the path can't be what it stands for."""
    try:
        msgspec.convert(request.path_params, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadPath(str(error)) from error


def parse_query(
    request: Request, kind: type[msgspec.Struct], other: type[msgspec.Struct] | None = None
) -> msgspec.Struct:
    """Return the query as a record, of the other kind where only that one has a parameter given.

    Raises BadQuery naming what is unknown, repeated or out of bounds.
    """
    names = set(request.query_params.keys())
    if other and not names.isdisjoint(set(other.__struct_fields__) - set(kind.__struct_fields__)):
        kind = other
    unknown = sorted(names - set(kind.__struct_fields__))
    if unknown:
        raise BadQuery(f"unknown: {', '.join(unknown)}; known here: {', '.join(kind.__struct_fields__) or 'none'}")
    try:
        return msgspec.convert(_values(request.query_params, _repeatable(kind)), kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadQuery(str(error)) from error


def _values(given: QueryParams, repeatable: frozenset[str]) -> dict[str, str | list[str]]:
    """Return each parameter's value, or its values where it may have several; raises BadQuery."""
    values: dict[str, str | list[str]] = {}
    for name in given:
        several = given.getlist(name)
        if len(several) > 1 and name not in repeatable:
            raise BadQuery("each parameter may be given once")
        values[name] = several if name in repeatable else several[0]
    return values


@cache
def _repeatable(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the parameters that are lists."""
    types = {field.name: msgspec.inspect.type_info(field.type) for field in msgspec.structs.fields(kind)}
    return frozenset(name for name, of_field in types.items() if isinstance(of_field, msgspec.inspect.VarTupleType))


def session_key(request: Request, name: str) -> str:
    """Return a session's id or code from the path; raises SessionNotFound for what can't be one.

    The key becomes part of a path of the Kubernetes API, so nothing else may get through.
    """
    key = str(request.path_params[name]).lower()
    if not _SESSION_KEY.fullmatch(key):
        raise SessionNotFound("this is neither a session's id nor its code")
    return key
