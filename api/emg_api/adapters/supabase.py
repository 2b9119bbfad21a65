"""Supabase: the database webhook on `storage.objects`, and storage-api's own webhook (WEBHOOK_URL).

The first is one changed row per request; it fires before the object is readable, sometimes twice, and is not repeated
when it is lost. The second comes from a queue and is repeated.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import msgspec

from emg_api.adapters.decoding import SizeBytes, Text, Word, decoded
from emg_api.adapters.notice import Arrival, Because, Ignored, Notice
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.request import RawRequest
from emg_api.adapters.signatures import verify_hmac, verify_shared
from emg_session.recordings import plain_version

SENDER = "supabase"
SIGNATURE_HEADER = "x-supabase-signature"


class Change(msgspec.Struct, frozen=True):
    """A row was inserted, updated or deleted; the rows are read only where they are objects' rows."""

    type: Word
    table: Word = ""
    schema: Word = ""
    record: msgspec.Raw = msgspec.field(default_factory=partial(msgspec.Raw, b"null"))
    old_record: msgspec.Raw = msgspec.field(default_factory=partial(msgspec.Raw, b"null"))
    event: msgspec.Raw = msgspec.field(default_factory=partial(msgspec.Raw, b"null"))


class _Metadata(msgspec.Struct, frozen=True):
    e_tag: Text | None = msgspec.field(default=None, name="eTag")
    size: SizeBytes | None = None
    last_modified: Word = msgspec.field(default="", name="lastModified")


class _Row(msgspec.Struct, frozen=True):
    """A row of `storage.objects`."""

    name: Text
    bucket_id: Text
    metadata: _Metadata | None = None


class _Event(msgspec.Struct, frozen=True):
    """What happened, as storage-api tells."""

    type: Word
    payload: msgspec.Raw


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    """An object as storage-api tells of it; its `version` is a name inside Supabase that storage does not know."""

    name: Text
    bucket_id: Text
    metadata: _Metadata | None = None
    req_id: Text | None = None


@dataclass(frozen=True)
class Supabase:
    """Verifies by signature where the request has one, else by the key in its Authorization header."""

    keys: tuple[str, ...] = field(repr=False)

    async def read(self, request: RawRequest, now: datetime) -> list[Arrival]:  # noqa: ARG002 - nothing of it has a time
        """Verify and parse one request."""
        signature = request.header(SIGNATURE_HEADER)
        if signature is None and (token := request.bearer()) is not None:
            verify_shared(token, self.keys)
        else:
            verify_hmac(request.body, signature, self.keys)
        return [_arrival(decoded(request.body, Change))]


def build(keys: tuple[str, ...], options: SenderOptions, fetch: Fetch) -> Supabase:  # noqa: ARG001 - one signature for all
    """Build the adapter."""
    return Supabase(keys)


def _arrival(change: Change) -> Arrival:
    if change.type == "Webhook":
        return _told_by_storage(decoded(change.event, _Event))
    if (change.schema, change.table) != ("storage", "objects"):
        return Ignored(Because.NOT_NEW, "not about a stored object")
    if change.type == "INSERT" or (change.type == "UPDATE" and _is_overwritten(change)):
        return _row_notice(decoded(change.record, _Row))
    return Ignored(Because.NOT_NEW, f"{change.type} is no new object")


def _told_by_storage(event: _Event) -> Arrival:
    if not event.type.startswith("ObjectCreated:"):
        return Ignored(Because.NOT_NEW, f"{event.type} is no new object")
    told = decoded(event.payload, _Payload)
    return _notice(told.bucket_id, told.name, told.metadata, told.req_id)


def _is_overwritten(change: Change) -> bool:
    """Whether an updated row is about other bytes; most updates only note when the object was last read."""
    if bytes(change.old_record) == b"null":
        return False
    before, after = _row_notice(decoded(change.old_record, _Row)), _row_notice(decoded(change.record, _Row))
    return after.version is not None and before.version != after.version


def _row_notice(row: _Row) -> Notice:
    return _notice(row.bucket_id, row.name, row.metadata, None)


def _notice(bucket: str, key: str, metadata: _Metadata | None, delivery: str | None) -> Notice:
    known = metadata or _Metadata()
    return Notice(
        bucket=bucket,
        key=key,
        version=plain_version(known.e_tag) or None,
        size_bytes=known.size,
        modified_at=_moment(known.last_modified),
        delivery=delivery,
    )


def _moment(text: str) -> datetime | None:
    """Return a time; what is none must not keep a recording from being told of."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
