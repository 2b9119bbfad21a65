"""The receiver: a sender's notice of a new recording becomes a session.

It answers 2xx only once the session exists.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api import metrics
from emg_api.adapters.notice import Because, Handshake, Ignored
from emg_api.adapters.table import LEGACY_SENDER
from emg_api.intake import Accepted, Intake, Outcome, Refused
from emg_api.metrics import Metrics
from emg_api.refusals import OriginRefused, SessionNotFound
from emg_api.requests import SenderQuery, read_raw, session_key
from emg_api.responses import json_response
from emg_api.senders import Sender, find_sender
from emg_api.standings import standing_of
from emg_api.turns import Turns
from emg_session.resource import session_id
from emg_session.session_store import SessionStore
from emg_session.status import Condition, Reason

# RFC 9745: since 2026-11-23.
_DEPRECATED = {
    "deprecation": "@1795392000",
    "link": '</webhooks/storage/c3d-upload-optimized>; rel="successor-version"',
}
_NOTHING = Ignored(Because.EMPTY, "nothing in it")


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


def utc_now() -> datetime:
    """Return the time that signatures are held against."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """The webhook endpoints with what they use."""

    senders: Mapping[str, Sender]
    intake: Intake
    sessions: SessionStore
    metrics: Metrics
    now: Callable[[], datetime] = utc_now
    # Anybody may ask where a session stands, which must keep no notice from the API server.
    _statuses_asked: Turns = field(default_factory=Turns, init=False, repr=False)

    async def upload(self, request: Request) -> Response:
        """POST /webhooks/storage/c3d-upload-optimized: a recording arrived in Supabase."""
        return await self._receive(request, LEGACY_SENDER, accepted_status=202)

    async def legacy_upload(self, request: Request) -> Response:
        """POST /webhooks/storage/c3d-upload: the same under its deprecated name."""
        response = await self._receive(request, LEGACY_SENDER, accepted_status=200)
        response.headers.update(_DEPRECATED)
        return response

    async def notice(self, request: Request, query: SenderQuery) -> Response:  # noqa: ARG002 - parsed to be checked
        """POST /webhooks/{sender}: a recording arrived, as this sender tells it."""
        return await self._receive(request, request.path_params["sender"], accepted_status=202)

    async def greeting(self, request: Request) -> Response:
        """OPTIONS /webhooks/{sender}: whether somebody may send CloudEvents here."""
        sender = find_sender(self.senders, request.path_params["sender"])
        origin = request.headers.get("webhook-request-origin", "")
        if not sender.welcomes(origin):
            raise OriginRefused(f"the origin in WebHook-Request-Origin is none of those of {sender.name}")
        return Response(headers={"allow": "POST", "webhook-allowed-origin": origin, "webhook-allowed-rate": "*"})

    async def status(self, request: Request) -> Response:
        """GET /webhooks/storage/status/{session_code}: where a session stands."""
        name = session_key(request, "session_code")
        async with self._statuses_asked.turn():
            session = await self.sessions.load(name)
        if session is None:
            raise SessionNotFound(f"there is no session {name}, or it is gone after its time to live")
        standing = standing_of(session.status)
        answer = StatusAnswer(
            session_code=name,
            session_id=str(session_id(name)),
            status=standing.reason,
            finished=standing.finished,
            message=standing.message,
            conditions=session.status.conditions,
        )
        return json_response(answer)

    async def _receive(self, request: Request, name: str, *, accepted_status: int) -> Response:
        started = perf_counter()
        heard = await self._hear(request, name)
        if isinstance(heard, Handshake):
            self.metrics.notice(name, metrics.Outcome.IGNORED, Because.HANDSHAKE)
            return json_response(heard.answer, headers=heard.headers)
        self._count(name, heard)
        accepted = [outcome for outcome in heard if isinstance(outcome, Accepted)]
        if not accepted:
            return json_response(IgnoredAnswer(message=f"Ignored: {_reason(heard)}"))
        return json_response(_answer(accepted, 1000 * (perf_counter() - started)), accepted_status)

    async def _hear(self, request: Request, name: str) -> Handshake | Sequence[Outcome]:
        with self.metrics.refusals(name):
            sender = find_sender(self.senders, name)
            reading = await sender.adapter.read(await read_raw(request), self.now())
            return reading if isinstance(reading, Handshake) else await self.intake.take(sender, reading)

    def _count(self, name: str, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes or (_NOTHING,):
            match outcome:
                case Accepted(created=created):
                    self.metrics.notice(name, metrics.Outcome.CREATED if created else metrics.Outcome.REPEATED)
                case Ignored(because=because):
                    self.metrics.notice(name, metrics.Outcome.IGNORED, because)
                case Refused(failure=failure):
                    self.metrics.refused(name, failure)


def _reason(outcomes: Sequence[Outcome]) -> str:
    """Return why there was nothing to do; raises what a notice was refused for, counted already."""
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            raise outcome.failure
    return next((outcome.sentence for outcome in outcomes if isinstance(outcome, Ignored)), _NOTHING.sentence)


def _answer(accepted: Sequence[Accepted], elapsed_ms: float) -> UploadAnswer:
    """Return the answer, which is about the first session; most requests tell of one object."""
    first = accepted[0]
    return UploadAnswer(
        message="; ".join(_remarks(first, len(accepted) - 1)),
        session_code=first.name,
        session_id=str(session_id(first.name)),
        created=first.created,
        status_url=f"/webhooks/storage/status/{first.name}",
        metadata=first.sighting.metadata,
        processing_time_ms=round(elapsed_ms, 3),
    )


def _remarks(first: Accepted, others: int) -> list[str]:
    remarks = ["Session created" if first.created else "Session exists already"]
    remarks += [first.sighting.remark, "the worker will tell"] if first.sighting.remark else []
    return [*remarks, f"{others} more of the same request"] if others else remarks
