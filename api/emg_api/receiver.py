"""The receiver: a sender's notice of a new recording becomes a session.

It answers 2xx only once the session exists; from then on nothing is lost, whatever else failed meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.adapters import supabase
from emg_api.adapters.notice import Arrival, Ignored, Notice
from emg_api.layouts import complete_layout, read_start
from emg_api.metrics import Metrics, Outcome
from emg_api.refusals import SessionNotFound
from emg_api.requests import read_body, session_key
from emg_api.responses import json_response
from emg_session.database import SummaryStore
from emg_session.errors import Failure, PermanentFailure, StorageUnavailable, TransientFailure
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, SessionSpec, build_session, build_spec, session_id, session_name
from emg_session.sessions import SessionStore
from emg_session.status import Condition, ConditionType, Reason

# Senders give up after some 5 seconds; what takes longer here, the operator and the worker do later.
_SECONDS_TO_LOOK = 3.0
_SECONDS_TO_SAVE = 1.5

# RFC 9745: since 2026-11-23.
_DEPRECATED = {
    "deprecation": "@1795392000",
    "link": '</webhooks/storage/c3d-upload-optimized>; rel="successor-version"',
}

_log = logging.getLogger(__name__)


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A notice was accepted; `metadata` is what the header says, null where it can't be read (yet)."""

    success: bool = True
    message: str
    session_code: str
    session_id: str
    created: bool
    status_url: str
    metadata: dict[str, Any] | None
    processing_time_ms: float


class IgnoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A notice was about nothing to do; `message` says why."""

    success: bool = True
    message: str


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stands; `status` is the one word of `kubectl get emgsessions`."""

    success: bool = True
    session_code: str
    session_id: str
    status: Reason
    finished: bool
    message: str
    conditions: tuple[Condition, ...]


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


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """The webhook endpoints with what they use."""

    sessions: SessionStore
    recordings: RecordingStore
    summaries: SummaryStore
    buckets: Buckets
    secrets: Mapping[str, Sequence[str]]
    namespace: str
    metrics: Metrics

    async def upload(self, request: Request) -> Response:
        """POST /webhooks/storage/c3d-upload-optimized: a recording arrived in Supabase."""
        return await self._receive(request, accepted_status=202)

    async def legacy_upload(self, request: Request) -> Response:
        """POST /webhooks/storage/c3d-upload: the same under its deprecated name."""
        response = await self._receive(request, accepted_status=200)
        response.headers.update(_DEPRECATED)
        return response

    async def status(self, request: Request) -> Response:
        """GET /webhooks/storage/status/{session_code}: where a session stands."""
        name = session_key(request, "session_code")
        session = await self.sessions.load(name)
        if session is None:
            raise SessionNotFound(f"there is no session {name}, or it is gone after its time to live")
        top = session.status.condition(ConditionType.SUCCEEDED)
        answer = StatusAnswer(
            session_code=name,
            session_id=str(session_id(name)),
            status=top.reason if top else Reason.PENDING,
            finished=session.status.finished,
            message=top.message if top else "the operator has not seen the session yet",
            conditions=session.status.conditions,
        )
        return json_response(answer)

    async def _receive(self, request: Request, *, accepted_status: int) -> Response:
        started = perf_counter()
        with self.metrics.refusals(supabase.SENDER):
            body = await read_body(request)
            arrivals = supabase.parse(body, request.headers, self.secrets.get(supabase.SENDER, ()))
            outcomes = [await self._consider(arrival) for arrival in arrivals]
        # A request of Supabase is about one object; of several, the answer names the first.
        accepted = next((outcome for outcome in outcomes if isinstance(outcome, Accepted)), None)
        if accepted is None:
            reason = next((outcome.reason for outcome in outcomes if isinstance(outcome, Ignored)), "nothing in it")
            return json_response(IgnoredAnswer(message=f"Ignored: {reason}"))
        return json_response(_answer(accepted, 1000 * (perf_counter() - started)), accepted_status)

    async def _consider(self, arrival: Arrival) -> Accepted | Ignored:
        # Supabase tells of every bucket it has, so another bucket is no error; nothing of it is read.
        if isinstance(arrival, Notice) and arrival.bucket not in self.buckets.uris:
            arrival = Ignored("the bucket is not in EMG_BUCKETS")
        if isinstance(arrival, Ignored):
            _log.info("notice ignored", extra={"reason": arrival.reason})
            self.metrics.notice(supabase.SENDER, Outcome.IGNORED)
            return arrival
        accepted = await self._accept(arrival)
        self.metrics.notice(supabase.SENDER, Outcome.CREATED if accepted.created else Outcome.REPEATED)
        return accepted

    async def _accept(self, notice: Notice) -> Accepted:
        sighting = await self._look(notice)
        spec = build_spec(sighting.recording, notice.key)
        name = session_name(sighting.recording.uri, sighting.recording.version)
        manifest = build_session(spec, namespace=self.namespace, annotations=sighting.order.to_annotations())
        created = await self.sessions.create(manifest)
        await self._save(name, spec, sighting.metadata)
        _log.info("notice accepted", extra={"session": name, "is_new": created, "remark": sighting.remark})
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
            order = ObjectOrder.of(sequence=notice.sequence)
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

    async def _save(self, name: str, spec: SessionSpec, metadata: dict[str, Any] | None) -> None:
        """Store the metadata; where that fails it is the worker's to do, which stores it again anyway."""
        try:
            async with asyncio.timeout(_SECONDS_TO_SAVE):
                await self.summaries.save_received(name, spec, metadata)
        except (Failure, TimeoutError) as error:
            reason = str(error) or "the database did not answer in time"
            _log.warning("metadata not stored", extra={"session": name, "reason": reason})


async def _in_time(sighting: Awaitable[Sighting]) -> Sighting:
    try:
        async with asyncio.timeout(_SECONDS_TO_LOOK):
            return await sighting
    except TimeoutError as error:
        raise StorageUnavailable(f"storage did not answer within {_SECONDS_TO_LOOK:g} s") from error


def _answer(accepted: Accepted, elapsed_ms: float) -> UploadAnswer:
    outcome = "Session created" if accepted.created else "Session exists already"
    remark = accepted.sighting.remark
    return UploadAnswer(
        message=f"{outcome}; {remark}; the worker will tell" if remark else outcome,
        session_code=accepted.name,
        session_id=str(session_id(accepted.name)),
        created=accepted.created,
        status_url=f"/webhooks/storage/status/{accepted.name}",
        metadata=accepted.sighting.metadata,
        processing_time_ms=round(elapsed_ms, 3),
    )
