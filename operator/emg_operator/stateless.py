"""What kopf would keep of each object between its handlers' calls: nothing, as it only watches here.

Without these it copies every body thrice for differences that nobody asks for, half of the operator's CPU.
"""

from collections.abc import Iterable
from typing import Any

import kopf


class NoDiffs(kopf.DiffBaseStorage):
    """Takes no note of what an object looked like."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:  # noqa: ARG002
        """Return nothing of a body."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        """Return that nothing is known."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Store nothing."""


class NoProgress(kopf.ProgressStorage):
    """Takes no note of how far a handler has come: none of ours has steps."""

    def fetch(self, **_: object) -> None:
        """Return that nothing is known."""

    def store(self, **_: object) -> None:
        """Store nothing."""

    def purge(self, **_: object) -> None:
        """Remove nothing."""

    def touch(self, **_: object) -> None:
        """Change nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return what there is: nothing of ours is in it."""
        return essence
