"""Which of two versions of one object is the newer, as far as storage and the sender tell.

A wrong "newer" would keep a recording from being analysed, so what can't be compared is never newer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

OBJECT_ORDER_ANNOTATION = "emg.ghostly/object-order"

_MODIFIED = "modified"
_TIME_DIGITS, _SEQUENCE_DIGITS = 12, 40
_PART = re.compile(r"([a-z0-9-]{1,16}):([0-9a-z]{1,80})")


@dataclass(frozen=True, kw_only=True)
class ObjectOrder:
    """Where a version stands among the versions of its object; one word of each source, compared as text.

    `modified` is storage's own time of modification, never a sender's clock, in whole seconds, as reads and listings
    differ in what follows; `sequence` is what a sender counts, such as S3's sequencer or the generation of Google's
    storage, with the name of the source that counts.
    """

    modified: str | None = None
    source: str | None = None
    sequence: str | None = None

    @classmethod
    def of(cls, *, modified_at: datetime | None = None, sequence: tuple[str, str] | None = None) -> "ObjectOrder":
        """Make one of a time and of a source's name with its count, in digits of any base up to 36."""
        source, count = sequence or (None, None)
        return cls(
            modified=str(int(modified_at.timestamp())).rjust(_TIME_DIGITS, "0") if modified_at else None,
            source=source,
            sequence=count.lower().rjust(_SEQUENCE_DIGITS, "0") if count else None,
        )

    @classmethod
    def from_annotations(cls, annotations: Mapping[str, str]) -> "ObjectOrder":
        """Read what `to_annotations` wrote; what somebody else wrote there says nothing."""
        parts = dict(_PART.findall(annotations.get(OBJECT_ORDER_ANNOTATION, "")))
        modified = parts.pop(_MODIFIED, None)
        source, sequence = next(iter(parts.items()), (None, None))
        return cls(modified=modified, source=source, sequence=sequence)

    def to_annotations(self) -> dict[str, str]:
        """Write it down; nothing where nothing is known."""
        parts = [f"{_MODIFIED}:{self.modified}"] if self.modified else []
        parts += [f"{self.source}:{self.sequence}"] if self.source and self.sequence else []
        return {OBJECT_ORDER_ANNOTATION: " ".join(parts)} if parts else {}

    def is_newer_than(self, other: "ObjectOrder") -> bool:
        """Whether this version is certainly the newer one: by one sender's count where both have it, else by time."""
        if self.sequence and other.sequence and self.source == other.source:
            return self.sequence > other.sequence
        return bool(self.modified and other.modified and self.modified > other.modified)


UNKNOWN_ORDER = ObjectOrder()
