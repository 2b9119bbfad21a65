"""Sessions as the database knows them: the list, one, and its summary."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.refusals import NotAnalysedYet
from emg_api.responses import json_response
from emg_session.database import StoredSession, SummaryStore

_NEVER_KEPT = {"cache-control": "no-store"}


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the newest sessions."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; what only the analysis tells is null before it."""

    session_id: str
    session_code: str
    recording: str
    subject: str | None
    created_at: datetime
    size_bytes: int | None
    duration_seconds: float | None
    analyzed: bool
    contractions: int | None
    overall_score: float | None


class SessionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sessions first."""

    success: bool = True
    sessions: list[SessionEntry]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One session with what the recording's header says."""

    success: bool = True
    session: SessionEntry
    metadata: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The endpoints below /sessions with what they use."""

    summaries: SummaryStore

    async def listing(self, _request: Request, query: ListQuery, readable: frozenset[str] | None) -> Response:
        """GET /sessions: the newest first."""
        stored = await self.summaries.list_sessions(query.limit, readable)
        return json_response(SessionsAnswer(sessions=[entry(session) for session in stored]), headers=_NEVER_KEPT)

    async def one(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}: one session with what the recording's header says."""
        answer = SessionAnswer(session=entry(session), metadata=session.game_metadata)
        return json_response(answer, headers=_NEVER_KEPT)

    async def summary(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/summary: as stored."""
        if session.analytics_summary is None:
            raise NotAnalysedYet(f"session {session.session_code} has no summary yet")
        return json_response(session.analytics_summary, headers=_NEVER_KEPT)


def entry(session: StoredSession) -> SessionEntry:
    """Reduce a session to its line in the list."""
    summary, metadata = session.analytics_summary, session.game_metadata
    return SessionEntry(
        session_id=str(session.id),
        session_code=session.session_code,
        recording=PurePosixPath(session.file_path).name,
        subject=session.subject,
        created_at=session.created_at,
        size_bytes=session.file_size_bytes,
        duration_seconds=metadata.get("duration_s") if metadata else None,
        analyzed=summary is not None,
        contractions=sum(len(muscle["contractions"]) for muscle in summary["muscles"]) if summary else None,
        overall_score=summary["scores"]["overall"] if summary else None,
    )
