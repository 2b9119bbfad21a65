"""Bodies as a watch has shown them, kept small: ten thousand sessions with their Jobs and pods fit in 25 MB.

As Python objects they would take ten times that; most of a Job is its pod's template, which nobody asks for again.
"""

import zlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

Body = dict[str, Any]

_FASTEST = 1


class Kind(StrEnum):
    """What is watched."""

    SESSION = "EMGSession"
    JOB = "Job"
    POD = "Pod"


_NOT_KEPT: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.SESSION: (("metadata", "managedFields"),),
    Kind.JOB: (
        ("metadata", "managedFields"),
        ("spec", "template"),
        ("spec", "selector"),
        ("spec", "podFailurePolicy"),
        ("status", "uncountedTerminatedPods"),
    ),
    Kind.POD: (("metadata", "managedFields"), ("metadata", "finalizers"), ("status", "hostIPs")),
}


class Bodies:
    """Bodies of one kind by name."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._packed: dict[str, bytes] = {}

    def keep(self, name: str, body: Body) -> None:
        """Keep what anybody asks of a body."""
        self._packed[name] = zlib.compress(msgspec.json.encode(_pruned(self._kind, body)), _FASTEST)

    def get(self, name: str) -> Body | None:
        """Return a body of one's own."""
        packed = self._packed.get(name)
        return None if packed is None else _unpacked(packed)

    def drop(self, name: str) -> None:
        """Forget a body; none of that name means done."""
        self._packed.pop(name, None)

    def all(self) -> Iterator[Body]:
        """Return every body."""
        return map(_unpacked, self._packed.values())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._packed)


def _unpacked(packed: bytes) -> Body:
    body: Body = msgspec.json.decode(zlib.decompress(packed))
    return body


def _pruned(kind: Kind, body: Body) -> Body:
    pruned = {part: dict(value) if isinstance(value, dict) else value for part, value in body.items()}
    if kind is Kind.POD:
        pruned.pop("spec", None)
    for part, field in _NOT_KEPT[kind]:
        if isinstance(pruned.get(part), dict):
            pruned[part].pop(field, None)
    return pruned
