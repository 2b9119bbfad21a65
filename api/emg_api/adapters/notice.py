"""What every sender's adapter makes of a request: notices of new recordings, or why there is nothing to do."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A new object that looks like a recording; what may be absent is the sender's word, where it gives it.

    `sequence` is the count by which the sender orders the versions of one object, with the name of who counts.
    """

    bucket: str
    key: str
    version: str | None = None
    size_bytes: int | None = None
    sequence: tuple[str, str] | None = None


@dataclass(frozen=True)
class Ignored:
    """A notice that is about no new recording."""

    reason: str


Arrival = Notice | Ignored
