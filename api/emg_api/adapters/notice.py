"""What every sender's adapter makes of a request: notices of new recordings, or why there is nothing to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from emg_api.adapters.request import RawRequest


class Because(StrEnum):
    """Why a notice is no work for us: what is counted."""

    NOT_NEW = "not-new"
    NO_RECORDING = "no-recording"
    OTHER_BUCKET = "other-bucket"
    OTHER_PREFIX = "other-prefix"
    TRIAL = "trial"
    OVERTAKEN = "overtaken"
    EMPTY = "empty"
    HANDSHAKE = "handshake"
    ERASED = "erased"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A new object that looks like a recording; what may be absent is the sender's word, where it gives it.

    `sequence` is the count by which the sender orders the versions of one object, with the name of who counts.
    `modified_at` is storage's own time, never the sender's.
    `delivery` names the sending, not the object: the same object may be told of in several deliveries.
    """

    bucket: str
    key: str
    version: str | None = None
    size_bytes: int | None = None
    sequence: tuple[str, str] | None = None
    modified_at: datetime | None = None
    delivery: str | None = None


@dataclass(frozen=True)
class Ignored:
    """A notice that is about no new recording; the sentence is for the sender's eyes."""

    because: Because
    sentence: str


Arrival = Notice | Ignored


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """What a sender wants to hear, with status 200, before it sends notices."""

    answer: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


Reading = Sequence[Arrival] | Handshake


class Adapter(Protocol):
    """One sender's way to say that a recording arrived."""

    async def read(self, request: RawRequest, now: datetime) -> Reading:
        """Verify and parse one request; raises a refusal, or KeysUnavailable where its keys can't be had."""
