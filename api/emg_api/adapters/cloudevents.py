"""CloudEvents 1.0 over HTTP, binary and structured, from whoever tells of new objects that way.

Sources: the HTTP and webhook bindings of github.com/cloudevents/spec. Parsed by hand: the common package makes up ids
that are missing, so that a delivery would no longer be the same when it is repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

import msgspec

from emg_api.adapters import azure, gcs, standard
from emg_api.adapters.decoding import Subject, Text, Word, converted, decoded, plain_bytes
from emg_api.adapters.notice import Arrival, Because, Ignored
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.request import RawRequest
from emg_api.adapters.signatures import verify_shared
from emg_api.refusals import UnsupportedMedia, WrongShape

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_BINARY = "application/json"
_PREFIX = "ce-"


class CloudEventsOptions(SenderOptions, frozen=True, kw_only=True):
    """Besides what all senders have: who may ask whether this endpoint wants events."""

    origins: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event has, and what ours need."""

    specversion: Word
    id: Text
    source: Text
    type: Text
    subject: Subject | None = None  # null is the same as absent
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: str | None = None

    @property
    def payload(self) -> bytes | msgspec.Raw:
        """The data, whichever way it is written; raises WrongShape."""
        return plain_bytes(self.data_base64, "data_base64") if self.data_base64 else self.data

    @property
    def delivery(self) -> str:
        """What tells one event from another, by the specification."""
        return f"{self.source} {self.id}"


@dataclass(frozen=True)
class CloudEvents:
    """Verifies the key in the Authorization header."""

    keys: tuple[str, ...] = field(repr=False)

    async def read(self, request: RawRequest, now: datetime) -> list[Arrival]:  # noqa: ARG002 - no signature is dated
        """Verify and parse one request."""
        verify_shared(request.bearer(), self.keys)
        return [_arrival(event) for event in parse_events(request)]


def build(keys: tuple[str, ...], options: CloudEventsOptions, fetch: Fetch) -> CloudEvents:  # noqa: ARG001 - no more is needed
    """Build the adapter."""
    return CloudEvents(keys)


def parse_events(request: RawRequest) -> list[Event]:
    """Parse the events of a request in whichever mode it is; raises UnsupportedMedia, NotJson, WrongShape."""
    kind = request.media_type()
    if kind == _STRUCTURED:
        events = [decoded(request.body, Event)]
    elif kind == _BATCH:
        events = decoded(request.body, list[Event])
    elif kind == _BINARY:
        events = [_binary(request)]
    else:
        raise UnsupportedMedia(f"events come as {_STRUCTURED}, as {_BATCH}, or with ce- headers as {_BINARY}")
    for event in events:
        _check(event)
    return events


def _binary(request: RawRequest) -> Event:
    names = {name for name, _ in request.headers if name.startswith(_PREFIX)}
    attributes = {name.removeprefix(_PREFIX): unquote(request.header(name) or "") for name in names}
    return converted(attributes | {"data": msgspec.Raw(request.body)}, Event)


def _check(event: Event) -> None:
    if event.specversion != "1.0":
        raise WrongShape("specversion is not 1.0")
    if not (event.id and event.source and event.type):
        raise WrongShape("id, source and type may not be empty")


def _arrival(event: Event) -> Arrival:
    reader = _READERS.get(event.type)
    return reader(event) if reader else Ignored(Because.NOT_NEW, "its type is no new object")


def _own(event: Event) -> Arrival:
    return standard.told_notice(decoded(event.payload, standard.ToldObject), event.delivery)


def _of_google(event: Event) -> Arrival:
    return gcs.stored_notice(decoded(event.payload, gcs.StoredObject), event.delivery)


def _of_azure(event: Event) -> Arrival:
    return azure.blob_arrival(event.subject or "", decoded(event.payload, azure.BlobCreated), event.delivery)


_READERS: dict[str, Callable[[Event], Arrival]] = {
    standard.CREATED: _own,
    "google.cloud.storage.object.v1.finalized": _of_google,
    azure.CREATED: _of_azure,
}
