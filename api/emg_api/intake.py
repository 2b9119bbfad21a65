"""Phase 1: a notice becomes a session, with as much of the recording's header as can be had at once.

The session is what counts: from then on nothing is lost, whatever else failed meanwhile.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from emg_api.adapters.notice import Arrival, Because, Ignored, Notice
from emg_api.layouts import complete_layout, read_start
from emg_api.metrics import Metrics
from emg_api.senders import Sender
from emg_session.database import SummaryStore
from emg_session.errors import Failure, PermanentFailure, StorageUnavailable, TransientFailure
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, SessionSpec, build_session, build_spec, session_name
from emg_session.session_store import SessionStore
from emg_session.trace import current_annotation

SENDER_ANNOTATION = "emg.ghostly/sender"
DELIVERY_ANNOTATION = "emg.ghostly/delivery"

# Senders give up after some 5 seconds; what takes longer here, the operator and the worker do later.
_SECONDS_TO_LOOK = 3.0
_SECONDS_TO_SAVE = 1.5
# A burst waits here, not for its own time-outs: more at once would only make each of them slower.
_AT_ONCE = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What a first look at an object found; without metadata, `remark` says why."""

    recording: RecordingRef
    order: ObjectOrder
    metadata: dict[str, Any] | None
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A notice whose session exists."""

    name: str
    created: bool
    sighting: Sighting


@dataclass(frozen=True)
class Refused:
    """A notice that will never be one for us; others of the same request may."""

    failure: PermanentFailure


Outcome = Accepted | Ignored | Refused


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Makes sessions of notices."""

    sessions: SessionStore
    recordings: RecordingStore
    summaries: SummaryStore
    buckets: Buckets
    namespace: str
    metrics: Metrics
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE), init=False, repr=False)

    async def take(self, sender: Sender, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Take in every notice of a request, then raise the first TransientFailure there was: all come again then."""
        sorted_out = overtaken_ignored([sender.sort_out(arrival, self.buckets) for arrival in arrivals])
        taken = await asyncio.gather(
            *(self._take_one(sender, arrival) for arrival in sorted_out), return_exceptions=True
        )
        for outcome in taken:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in taken if not isinstance(outcome, BaseException)]

    async def _take_one(self, sender: Sender, arrival: Arrival) -> Outcome:
        if isinstance(arrival, Ignored):
            _log.info("notice ignored", extra={"sender": sender.name, "reason": arrival.because})
            return arrival
        try:
            async with self._turns:
                return await self._accept(sender, arrival)
        except PermanentFailure as failure:
            _log.warning("notice refused", extra={"sender": sender.name, "reason": type(failure).__name__})
            return Refused(failure)

    async def _accept(self, sender: Sender, notice: Notice) -> Accepted | Ignored:
        sighting, erased = await asyncio.gather(self._look(notice), self._is_erased(notice))
        if erased:
            _log.info("notice ignored", extra={"sender": sender.name, "reason": Because.ERASED})
            return Ignored(Because.ERASED, "the recording was erased")
        recording = sighting.recording
        spec, name = build_spec(recording, notice.key), session_name(recording.uri, recording.version)
        facts = sighting.order.to_annotations() | _origin(sender, notice) | current_annotation()
        created = await self.sessions.create(build_session(spec, namespace=self.namespace, annotations=facts))
        await self._save(name, spec, sighting.metadata)
        told = {"session": name, "is_new": created, "remark": sighting.remark, "sender": sender.name}
        _log.info("notice accepted", extra=told)
        return Accepted(name=name, created=created, sighting=sighting)

    async def _look(self, notice: Notice) -> Sighting:
        """Read the object's header; where storage can't give it yet, the notice's own word makes do."""
        uri, started = self.buckets.uri(notice.bucket, notice.key), perf_counter()
        try:
            sighting = await _in_time(self._sight(uri, notice))
        except TransientFailure as failure:
            self.metrics.waited(perf_counter() - started, seen=False)
            if notice.version is None:
                raise
            recording = RecordingRef(uri=uri, version=notice.version, size_bytes=notice.size_bytes)
            order = ObjectOrder.of(modified_at=notice.modified_at, sequence=notice.sequence)
            return Sighting(recording=recording, order=order, metadata=None, remark=f"not read yet: {failure}")
        self.metrics.waited(perf_counter() - started, seen=True)
        return sighting

    async def _sight(self, uri: str, notice: Notice) -> Sighting:
        start = await read_start(self.recordings, uri)
        recording = RecordingRef(uri=uri, version=start.version, size_bytes=start.size_bytes)
        # What is there now may be newer than the version that the sender counted.
        sequence = notice.sequence if notice.version == start.version else None
        order = ObjectOrder.of(modified_at=start.modified_at, sequence=sequence)
        try:
            layout = await complete_layout(self.recordings, uri, start)
        except PermanentFailure as failure:
            # The session is made all the same: a bad recording must end visibly, as BadRecording.
            return Sighting(recording=recording, order=order, metadata=None, remark=f"no metadata: {failure}")
        return Sighting(recording=recording, order=order, metadata=layout.metadata)

    async def _is_erased(self, notice: Notice) -> bool:
        """Whether this must not come back; while the database can't tell, the operator finds out in time."""
        recording = RecordingRef(uri=self.buckets.uri(notice.bucket, notice.key), version=notice.version or "")
        try:
            async with asyncio.timeout(_SECONDS_TO_SAVE):
                return bool(await self.summaries.erased_sessions({"": build_spec(recording, notice.key)}))
        except (Failure, TimeoutError):
            return False

    async def _save(self, name: str, spec: SessionSpec, metadata: dict[str, Any] | None) -> None:
        """Store the metadata; where that fails it is the worker's to do, which stores it again anyway."""
        try:
            async with asyncio.timeout(_SECONDS_TO_SAVE):
                await self.summaries.save_received(name, spec, metadata)
        except (Failure, TimeoutError) as error:
            reason = str(error) or "the database did not answer in time"
            _log.warning("metadata not stored", extra={"session": name, "reason": reason})


def overtaken_ignored(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Leave, of several versions of one object in one request, the newest: the others are there no longer."""
    newest: dict[Hashable, ObjectOrder] = {}
    for notice in arrivals:
        if isinstance(notice, Notice):
            order, before = ObjectOrder.of(sequence=notice.sequence), newest.get(_counted(notice))
            if before is None or order.is_newer_than(before):
                newest[_counted(notice)] = order
    return [_ignored_if_overtaken(arrival, newest) for arrival in arrivals]


def _ignored_if_overtaken(arrival: Arrival, newest: Mapping[Hashable, ObjectOrder]) -> Arrival:
    if isinstance(arrival, Notice) and newest[_counted(arrival)].is_newer_than(
        ObjectOrder.of(sequence=arrival.sequence)
    ):
        return Ignored(Because.OVERTAKEN, "a newer version of the object is told of in the same request")
    return arrival


def _counted(notice: Notice) -> Hashable:
    """Return what only versions that can be compared have in common: the object, and who counts them, if anybody."""
    return notice.bucket, notice.key, notice.sequence and notice.sequence[0]


def _origin(sender: Sender, notice: Notice) -> dict[str, str]:
    """Note who told first; the delivery as a hash, as senders put anything into their ids."""
    delivery = hashlib.sha256(f"{sender.name} {notice.delivery}".encode()).hexdigest()[:16]
    return {SENDER_ANNOTATION: sender.name} | ({DELIVERY_ANNOTATION: delivery} if notice.delivery else {})


async def _in_time(sighting: Awaitable[Sighting]) -> Sighting:
    try:
        async with asyncio.timeout(_SECONDS_TO_LOOK):
            return await sighting
    except TimeoutError as error:
        raise StorageUnavailable(f"storage did not answer within {_SECONDS_TO_LOOK:g} s") from error
