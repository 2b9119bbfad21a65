"""The status of an EMGSession: conditions are the truth, everything people read is derived from them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

MOST_MESSAGE_CHARACTERS = 1024  # of a condition, as its definition has it


class ConditionType(StrEnum):
    """Every condition a session has, in the order of its life."""

    ACCEPTED = "Accepted"
    OBJECT_AVAILABLE = "ObjectAvailable"
    JOB_CREATED = "JobCreated"
    ANALYZED = "Analyzed"
    QUALITY_OK = "QualityOK"
    SUPERSEDED = "Superseded"
    SUCCEEDED = "Succeeded"


class Truth(StrEnum):
    """A condition's status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition is what it is; the first fourteen are the words people read in `kubectl get emgs`."""

    PENDING = "Pending"
    WAITING_FOR_OBJECT = "WaitingForObject"
    QUEUED = "Queued"
    RUNNING = "Running"
    RETRYING = "Retrying"
    COMPLETED = "Completed"
    BAD_RECORDING = "BadRecording"
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    DATABASE_UNAVAILABLE = "DatabaseUnavailable"
    SUPERSEDED = "Superseded"
    SUSPENDED = "Suspended"
    INTERNAL_ERROR = "InternalError"
    # Only of the other conditions:
    VALID = "Valid"
    INVALID = "Invalid"
    NOT_READ_YET = "NotReadYet"
    READABLE = "Readable"
    READ = "Read"
    JOB_MADE = "JobMade"
    NO_JOB_YET = "NoJobYet"
    SUMMARY_STORED = "SummaryStored"
    NO_SUMMARY = "NoSummary"
    ALL_USABLE = "AllUsable"
    POOR_CHANNELS = "PoorChannels"
    NEWEST_VERSION = "NewestVersion"
    NEWER_VERSION = "NewerVersion"


_WORDS = frozenset(Reason)


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A record as Kubernetes sees it: camelCase names, absent where default."""


class Condition(Wire, frozen=True, kw_only=True, rename="camel"):
    """One Kubernetes condition; `message` is a sentence with the numbers."""

    type: ConditionType
    status: Truth
    reason: Reason
    message: str = ""
    last_transition_time: datetime
    observed_generation: int


class RecordingFacts(Wire, frozen=True, kw_only=True, rename="camel"):
    """What the recording turned out to be."""

    sha256: str
    channels: tuple[str, ...]
    sample_rate_milli_hz: int
    frames: int
    duration_ms: int


class ResultFacts(Wire, frozen=True, kw_only=True, rename="camel"):
    """What the analysis found, in integers."""

    contractions: int
    usable_permille: int
    overall_score_permille: int | None = None
    summary_bytes: int
    profile_digest: str
    core_version: str


class Attempt(Wire, frozen=True, kw_only=True, rename="camel"):
    """One Job made for the session: what it had, what it used, how it ended, and what it said last."""

    job: str
    memory_mib: int = msgspec.field(name="memoryMiB")
    used_mib: int | None = msgspec.field(default=None, name="usedMiB")
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    log: str | None = None

    @property
    def number(self) -> int:
        """Which of the session's Jobs it is, from 1 on."""
        return attempt_number(self.job)

    @property
    def ended(self) -> bool:
        """Whether its Job came to an end by itself."""
        return self.reason is not None


class SessionStatus(Wire, frozen=True, kw_only=True, rename="camel"):
    """All of `.status`; `channel_count`, `attempt_count` and `duration` exist for kubectl's columns.

    `request` names what was asked for (contract.request_of) when this was written: another one is another run, whose
    attempts are told here instead of the earlier one's, but numbered on from `job_name`.
    """

    observed_generation: int = 0
    request: str | None = None
    conditions: tuple[Condition, ...] = ()
    recording: RecordingFacts | None = None
    result: ResultFacts | None = None
    attempts: tuple[Attempt, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    job_name: str | None = None
    channel_count: int | None = None
    attempt_count: int | None = None
    duration: str | None = None

    def condition(self, kind: ConditionType) -> Condition | None:
        """Return the condition of this type, if it has been set."""
        return next((c for c in self.conditions if c.type is kind), None)

    @property
    def top(self) -> Condition | None:
        """The condition people read."""
        return self.condition(ConditionType.SUCCEEDED)

    @property
    def reason(self) -> Reason:
        """The one word people read."""
        return self.top.reason if self.top else Reason.PENDING

    @property
    def finished(self) -> bool:
        """Whether `Succeeded` is True or False."""
        return self.top is not None and self.top.status is not Truth.UNKNOWN

    @property
    def failed(self) -> bool:
        """Whether it ended without a summary."""
        return self.top is not None and self.top.status is Truth.FALSE


def attempt_number(job_name: str) -> int:
    """Return the number in an attempt's name; 0 where it has none."""
    digits = job_name.rpartition("-a")[2]
    return int(digits) if digits.isdecimal() else 0


def with_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """Set one condition; its transition time moves only when its status does, or where a clock was set back."""
    old = next((c for c in conditions if c.type is new.type), None)
    if old is not None and old.status is new.status:
        since = min(old.last_transition_time, new.last_transition_time)
        new = msgspec.structs.replace(new, last_transition_time=since)
    by_type = {c.type: c for c in conditions} | {new.type: new}
    return tuple(by_type[kind] for kind in ConditionType if kind in by_type)


def set_condition(
    status: SessionStatus,
    kind: ConditionType,
    truth: Truth,
    reason: Reason,
    message: str,
    *,
    generation: int,
    now: datetime,
) -> SessionStatus:
    """Return the status with one condition set."""
    new = Condition(
        type=kind,
        status=truth,
        reason=reason,
        message=message[:MOST_MESSAGE_CHARACTERS],
        last_transition_time=now.replace(microsecond=0),
        observed_generation=generation,
    )
    return msgspec.structs.replace(status, conditions=with_condition(status.conditions, new))


def reason_in(status: Mapping[str, Any]) -> Reason:
    """Return the one word of a status as the API server shows it; what nobody of ours wrote counts as Pending."""
    words = (c.get("reason") for c in status.get("conditions", []) if c.get("type") == ConditionType.SUCCEEDED)
    word = next(words, None)
    return Reason(word) if word in _WORDS else Reason.PENDING
