"""Azure Blob Storage through Event Grid, in its own schema or as CloudEvents; unsigned, so a key has to come along.

The key is a delivery property (`Authorization: Bearer …`) or, as Event Grid's documentation has it, the parameter
`code` of the endpoint's address.
Source: learn.microsoft.com/azure/event-grid, "Endpoint validation", "Blob Storage events".
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from emg_api.adapters.decoding import SizeBytes, Subject, Text, Word, converted, decoded
from emg_api.adapters.notice import Arrival, Because, Handshake, Ignored, Notice, Reading
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.request import RawRequest
from emg_api.adapters.signatures import verify_shared
from emg_api.refusals import WrongShape
from emg_session.recordings import plain_version

CREATED = "Microsoft.Storage.BlobCreated"
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
# In a data lake an empty file is told of before it is written; FlushWithClose follows.
_UNWRITTEN = "CreateFile"
_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)
_COUNT = re.compile(r"[0-9A-Fa-f]{1,40}")


class AzureOptions(SenderOptions, frozen=True, kw_only=True):
    """Besides what all senders have: who may ask whether this endpoint wants CloudEvents."""

    origins: tuple[str, ...] = ("eventgrid.azure.net",)


class BlobCreated(msgspec.Struct, frozen=True, rename="camel"):
    """What Event Grid says of a blob; its address is not read, as only the subject can be held to our buckets."""

    api: Word = ""
    e_tag: Word = ""
    content_length: SizeBytes | None = None
    sequencer: Word = ""


class _Validation(msgspec.Struct, frozen=True, rename="camel"):
    validation_code: Word


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event in either schema: the type's name is where they differ."""

    id: Word
    subject: Subject = ""
    event_type: Word = ""
    type: Word = ""
    data: msgspec.Raw

    @property
    def kind(self) -> str:
        return self.event_type or self.type


@dataclass(frozen=True)
class Azure:
    """Verifies the key, whichever way it came."""

    keys: tuple[str, ...] = field(repr=False)

    async def read(self, request: RawRequest, now: datetime) -> Reading:  # noqa: ARG002 - nothing is dated by a signature
        """Verify and parse one request."""
        verify_shared(request.bearer() or request.code, self.keys)
        is_list = request.body.lstrip()[:1] == b"["
        told = decoded(request.body, list[_Event]) if is_list else [decoded(request.body, _Event)]
        if told and told[0].kind == _VALIDATION:
            code = decoded(told[0].data, _Validation).validation_code
            return Handshake(answer={"validationResponse": code})
        return [_arrival(event) for event in told]


def build(keys: tuple[str, ...], options: AzureOptions, fetch: Fetch) -> Azure:  # noqa: ARG001 - nothing else is needed
    """Build the adapter."""
    return Azure(keys)


def blob_arrival(subject: str, data: BlobCreated, delivery: str) -> Arrival:
    """Return what an event about a new blob means; raises WrongShape where its subject names no blob."""
    if data.api == _UNWRITTEN:
        return Ignored(Because.NOT_NEW, "the file is not written yet")
    named = _SUBJECT.fullmatch(subject)
    if named is None:
        raise WrongShape("the subject names no blob")
    return Notice(
        bucket=converted(named[1], Text),
        key=converted(named[2], Text),
        version=plain_version(data.e_tag) or None,
        size_bytes=data.content_length,
        sequence=("azure", data.sequencer) if _COUNT.fullmatch(data.sequencer) else None,
        delivery=delivery,
    )


def _arrival(event: _Event) -> Arrival:
    if event.kind != CREATED:
        return Ignored(Because.NOT_NEW, f"{event.kind} is no new object")
    return blob_arrival(event.subject, decoded(event.data, BlobCreated), event.id)
