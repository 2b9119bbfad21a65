"""What kopf would keep of each object between its handlers' calls: nothing, as it only watches here.

Without these it copies every body thrice for differences that nobody asks for, half of the operator's CPU.
"""

from collections.abc import Iterable
from typing import Any

import kopf

# kopf.operator takes an inventory of one's own, but kopf does not export what that is made of.
from kopf._cogs.structs.bodies import RawBody
from kopf._cogs.structs.ephemera import AnyMemo
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


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


class NoMemories(ResourceMemories):
    """Takes no note of objects that were seen: a kilobyte of each session, Job and pod, for daemons and retries."""

    async def recall(
        self,
        raw_body: RawBody,
        *,
        memobase: AnyMemo | None = None,
        noticed_by_listing: bool = False,
        ephemeral: bool = False,  # noqa: ARG002
    ) -> ResourceMemory:
        """Return a memory that is forgotten after the event."""
        return await super().recall(raw_body, memobase=memobase, noticed_by_listing=noticed_by_listing, ephemeral=True)
