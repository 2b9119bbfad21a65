"""What a session and its Jobs don't tell themselves, each asked for only once a decision needs it."""

from dataclasses import dataclass
from enum import StrEnum

from emg_session.summary import SummaryFacts


class Question(StrEnum):
    """What has to be known before a decision can be taken."""

    CHILDREN = "Children"
    DATABASE = "Database"
    OBJECT = "Object"
    PLACE = "Place"


class NoSummary(StrEnum):
    """Why no summary of the session is known."""

    NOT_ASKED = "NotAsked"
    UNREACHABLE = "Unreachable"
    MISSING = "Missing"


DatabaseState = SummaryFacts | NoSummary


@dataclass(frozen=True, kw_only=True)
class Readable:
    """Storage has exactly the version that the session is about; without a size nobody has looked."""

    size_bytes: int | None = None


class NotReadable(StrEnum):
    """Why the recording can't be read: FORBIDDEN is storage's word, REFUSED ours, as no bucket of ours has it."""

    NOT_ASKED = "NotAsked"
    UNREACHABLE = "Unreachable"
    NOT_THERE = "NotThere"
    OTHER_VERSION = "OtherVersion"
    FORBIDDEN = "Forbidden"
    REFUSED = "Refused"


ObjectState = Readable | NotReadable


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A session of another version of the object that may be the newer one; where they tie, nobody can tell."""

    session: str
    is_newer: bool


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The answers so far.

    `rival` is a session of a version that is not older; `has_place` whether one more Job may run now;
    `has_all_children` that the cluster itself was asked for the session's Jobs, not only what the watches brought;
    `memory_permille` what attempts of the profile used of the memory predicted for them.
    """

    rival: Rival | None = None
    memory_permille: int | None = None
    object: ObjectState = NotReadable.NOT_ASKED
    has_place: bool | None = None
    has_all_children: bool = False
