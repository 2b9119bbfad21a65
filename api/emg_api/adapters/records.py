"""What S3 and its like tell of new objects, in the two shapes there are: records, and events of EventBridge."""

import re

import msgspec

from emg_api.adapters.decoding import Quoted, SizeBytes, Text, Word, decoded, unquoted
from emg_api.adapters.notice import Arrival, Because, Ignored, Notice
from emg_session.recordings import plain_version

_COUNT = re.compile(r"[0-9A-Fa-f]{1,40}")
_CREATED = "ObjectCreated:"


class _Bucket(msgspec.Struct, frozen=True):
    name: Text


class _RecordedObject(msgspec.Struct, frozen=True):
    """An object in a record; its key is written as in a query."""

    key: Quoted
    size: SizeBytes | None = None
    e_tag: Word = msgspec.field(default="", name="eTag")
    sequencer: Word = ""


class _Stored(msgspec.Struct, frozen=True):
    bucket: _Bucket
    object: _RecordedObject


class _Record(msgspec.Struct, frozen=True):
    event_name: Word = msgspec.field(name="eventName")
    s3: msgspec.Raw = msgspec.Raw(b"null")


class _Records(msgspec.Struct, frozen=True):
    """A message of S3, or the one it sends to try a new destination."""

    records: list[_Record] = msgspec.field(default_factory=list, name="Records")
    event: Word = msgspec.field(default="", name="Event")


class _BridgedObject(msgspec.Struct, frozen=True):
    key: Text
    size: SizeBytes | None = None
    etag: Word = ""
    sequencer: Word = ""


class _Detail(msgspec.Struct, frozen=True):
    bucket: _Bucket
    object: _BridgedObject


class _Bridged(msgspec.Struct, frozen=True, rename="kebab"):
    """An event of EventBridge."""

    id: Word
    source: Word
    detail_type: Word
    detail: msgspec.Raw


def parse_records(message: bytes | str, *, counts: str, delivery: str | None = None) -> list[Arrival]:
    """Parse a message of records; `counts` names who makes the sequencers. Raises NotJson, WrongShape."""
    told = decoded(message, _Records)
    if told.event == "s3:TestEvent":
        return [Ignored(Because.TRIAL, "a trial of the connection")]
    return [_arrival(record, counts, delivery) for record in told.records]


def parse_bridged(body: bytes, *, counts: str) -> list[Arrival]:
    """Parse an event of EventBridge, or a list of them, as its pipes send; raises NotJson, WrongShape."""
    events = decoded(body, list[_Bridged]) if _is_list(body) else [decoded(body, _Bridged)]
    return [_bridged_arrival(event, counts) for event in events]


def _bridged_arrival(event: _Bridged, counts: str) -> Arrival:
    if (event.source, event.detail_type) != ("aws.s3", "Object Created"):
        return Ignored(Because.NOT_NEW, f"{event.detail_type} is no new object")
    detail = decoded(event.detail, _Detail)
    stored = detail.object
    return Notice(
        bucket=detail.bucket.name,
        key=stored.key,
        version=plain_version(stored.etag) or None,
        size_bytes=stored.size,
        sequence=_sequence(stored.sequencer, counts),
        delivery=event.id,
    )


def is_bridged(body: bytes) -> bool:
    """Whether a body is from EventBridge, which alone sends lists; raises NotJson, WrongShape."""
    return _is_list(body) or "detail-type" in decoded(body, dict[str, msgspec.Raw])


def _is_list(body: bytes) -> bool:
    return body.lstrip()[:1] == b"["


def _arrival(record: _Record, counts: str, delivery: str | None) -> Arrival:
    name = record.event_name.removeprefix("s3:")  # which MinIO writes and S3 does not
    if not name.startswith(_CREATED):
        return Ignored(Because.NOT_NEW, f"{name} is no new object")
    stored = decoded(record.s3, _Stored)
    return Notice(
        bucket=stored.bucket.name,
        key=unquoted(stored.object.key),
        version=plain_version(stored.object.e_tag) or None,
        size_bytes=stored.object.size,
        sequence=_sequence(stored.object.sequencer, counts),
        delivery=delivery,
    )


def _sequence(sequencer: str, counts: str) -> tuple[str, str] | None:
    """Return a sequencer with who made it; what is none must not keep a recording from being told of."""
    return (counts, sequencer) if _COUNT.fullmatch(sequencer) else None
