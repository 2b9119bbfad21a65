"""The sweep: what lies in storage and nobody announced becomes a session, under the name its notice would have given.

Every sender loses notices. The database tells which recordings are known, also those whose session is gone by now.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emg_operator.metrics import Metrics, SweepOutcome
from emg_operator.wanted import Wanted
from emg_session.database import SummaryStore
from emg_session.errors import Failure, PermanentFailure
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, ListedObject, RecordingStore
from emg_session.resource import (
    SWEEP_ANNOTATION,
    RecordingRef,
    SessionSpec,
    build_session,
    build_spec,
    session_name,
)
from emg_session.session_store import SessionStore

log = logging.getLogger(__name__)

# A bucket full of recordings that nobody ever announced is taken in bit by bit.
_MOST_FINDS = 1000
_JITTER = 0.1


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """How often to look, and for how long a new object is left to its notice, or to whoever still writes it."""

    every_seconds: int
    settle_seconds: int = 60
    wanted: Wanted = field(default_factory=Wanted)
    most_finds: int = _MOST_FINDS


class SweepRequest:
    """Whether somebody asked for a sweep now, by changing an annotation."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._last: str | None = None

    def see(self, annotations: Mapping[str, str]) -> None:
        """Look at what the annotation is by now."""
        value = annotations.get(SWEEP_ANNOTATION)
        if value is not None and value != self._last:
            self._asked.set()
        self._last = value

    def answered(self) -> None:
        """Forget what was asked for until now: a sweep begins."""
        self._asked.clear()

    async def wait(self, seconds: float) -> None:
        """Return once somebody asks, or after some time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Compares the configured buckets with what is known."""

    recordings: RecordingStore
    buckets: Buckets
    sessions: SessionStore
    summaries: SummaryStore
    settings: SweepSettings
    metrics: Metrics
    namespace: str
    now: Callable[[], datetime]
    request: SweepRequest = field(default_factory=SweepRequest)
    _passed_over: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Sweep until cancelled, sooner where somebody asks; replicas and clusters do not sweep in step."""
        while True:
            self.request.answered()
            await self.sweep()
            await self.request.wait(self.settings.every_seconds * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311

    async def sweep(self) -> int:
        """Look through every bucket once and return how many sessions were made; one that fails is left for later."""
        found = failing = 0
        for bucket in self.buckets.uris:
            try:
                found += await self._sweep_bucket(bucket, self.settings.most_finds - found)
            except Failure as failure:
                failing += 1
                self.metrics.swept(SweepOutcome.FAILED)
                log.warning("sweep bucket=%s ended early: %s", bucket, failure)
            else:
                self.metrics.swept(SweepOutcome.DONE)
        self.metrics.sweep_failing.set(failing)
        return found

    async def _sweep_bucket(self, bucket: str, most_finds: int) -> int:
        found = passed_over = 0
        async for page in self.recordings.list_pages(bucket):
            passed_over += page.passed_over
            recordings = [listed for listed in page.objects if self._is_settled_recording(bucket, listed)]
            found += await self._create_unknown(recordings, most_finds - found)
            if found >= most_finds:
                log.warning("sweep bucket=%s made %d sessions; the rest follows with the next sweep", bucket, found)
                break
        self._tell_passed_over(bucket, passed_over)
        return found

    def _tell_passed_over(self, bucket: str, number: int) -> None:
        """Count what can't be named, and log it where it is news; the keys themselves are nobody's to read in a log."""
        if number and number != self._passed_over.get(bucket):
            log.warning(
                "sweep bucket=%s passed over %d objects: rename those whose keys have empty, '.' or '..' parts or "
                "control characters, as others of their folder may be missed",
                bucket,
                number,
            )
        self._passed_over[bucket] = number
        self.metrics.sweep_passed_over.set(sum(self._passed_over.values()))

    async def _create_unknown(self, recordings: Sequence[ListedObject], most_finds: int) -> int:
        listed = {session_name(found.uri, found.version): found for found in recordings}
        known = await self.summaries.known_sessions({name: _spec(found) for name, found in listed.items()})
        unknown = [name for name in listed if name not in known]
        return sum([await self._found(name, listed[name]) for name in unknown[:most_finds]])

    async def _found(self, name: str, listed: ListedObject) -> bool:
        """Create a session; one that is refused does not keep the rest of its bucket waiting."""
        try:
            return await self._create(name, listed)
        except PermanentFailure as failure:
            log.warning("session=%s found by the sweep, but refused: %s", name, failure)
            return False

    def _is_settled_recording(self, bucket: str, listed: ListedObject) -> bool:
        """Storage's clock may be ahead of ours by any amount: only what is near to now is left for later."""
        age = abs(self.now() - listed.modified_at)
        is_settled = age >= timedelta(seconds=self.settings.settle_seconds)
        return is_settled and self.settings.wanted.admits(bucket, listed.key)

    async def _create(self, name: str, listed: ListedObject) -> bool:
        spec, order = _spec(listed), ObjectOrder.of(modified_at=listed.modified_at)
        manifest = build_session(spec, namespace=self.namespace, annotations=order.to_annotations())
        created = await self.sessions.create(manifest)
        if created:
            self.metrics.sweep_finds.inc()
            log.info("session=%s found by the sweep", name)
        # Known from now on, also where the receiver had made the session but could not reach the database.
        await self.summaries.save_received(name, spec, None)
        return created


def _spec(listed: ListedObject) -> SessionSpec:
    recording = RecordingRef(uri=listed.uri, version=listed.version, size_bytes=listed.size_bytes)
    return build_spec(recording, listed.key)
