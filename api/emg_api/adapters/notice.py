"""What every sender's adapter makes of a request: notices of new recordings, or why there is nothing to do."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A new object that looks like a recording; version and size are the sender's word, where it gives them."""

    bucket: str
    key: str
    version: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Ignored:
    """A notice that is about no new recording."""

    reason: str


Arrival = Notice | Ignored
