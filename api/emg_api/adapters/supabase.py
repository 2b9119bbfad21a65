"""Supabase: the database webhook on `storage.objects`, one inserted row per request.

Such a webhook fires before the object is readable, sometimes twice, and is not repeated when it is lost.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, TypeVar

import msgspec

from emg_api.adapters.notice import Arrival, Ignored, Notice
from emg_api.adapters.signatures import verify_hmac
from emg_api.refusals import NotJson, WrongShape
from emg_session.resource import MOST_SIZE_BYTES, is_recording

SENDER = "supabase"
SIGNATURE_HEADER = "x-supabase-signature"

T = TypeVar("T")

# Without control characters: neither object storage nor PostgreSQL takes them all.
_Text = Annotated[str, msgspec.Meta(max_length=1024, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
_SizeBytes = Annotated[int, msgspec.Meta(ge=0, le=MOST_SIZE_BYTES)]


class Event(msgspec.Struct, frozen=True):
    """A row was inserted, updated or deleted; `record` is read only where it is an object's row."""

    type: str
    table: str
    schema: str
    record: msgspec.Raw = msgspec.field(default_factory=partial(msgspec.Raw, b"null"))


class _Metadata(msgspec.Struct, frozen=True):
    e_tag: _Text | None = msgspec.field(default=None, name="eTag")
    size: _SizeBytes | None = None


class _Object(msgspec.Struct, frozen=True):
    """A row of `storage.objects`."""

    name: _Text
    bucket_id: _Text
    metadata: _Metadata | None = None


def parse(body: bytes, headers: Mapping[str, str], keys: Sequence[str]) -> list[Arrival]:
    """Verify and parse one request; raises NotSigned, NotJson, WrongShape, in this order."""
    verify_hmac(body, headers.get(SIGNATURE_HEADER), keys)
    event = _decoded(body, Event)
    if (event.schema, event.table) != ("storage", "objects"):
        return [Ignored("not about a stored object")]
    if event.type != "INSERT":
        return [Ignored(f"{event.type} is no new object")]
    return [_arrival(_decoded(event.record, _Object))]


def _arrival(stored: _Object) -> Arrival:
    if not is_recording(stored.name):
        return Ignored("the object is no .c3d file")
    metadata = stored.metadata or _Metadata()
    return Notice(
        bucket=stored.bucket_id,
        key=stored.name,
        version=(metadata.e_tag or "").removeprefix("W/").strip('"') or None,
        size_bytes=metadata.size,
    )


def _decoded(text: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise WrongShape(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson("the body can't be read as JSON") from error
