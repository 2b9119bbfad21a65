"""Sessions as the database knows them: the list, one, and its summary."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.contractions import WRITERS
from emg_api.cursors import cursor_of, place_of
from emg_api.negotiation import MediaType, accepted_media_type
from emg_api.refusals import NotAnalysedYet
from emg_api.requests import PLAIN_PATTERN
from emg_api.responses import encode, entity_tag, is_known, json_response
from emg_api.standings import Standing, Standings
from emg_session.database import StoredSession, SummaryStore, listed
from emg_session.listing import ListedSession, Progress, Quality, SessionFilter

_NEVER_KEPT = {"cache-control": "no-store"}


_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=PLAIN_PATTERN)]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions, the newest first: at most `limit` of them, from `next_cursor` of the page before on.

    `since` and `until` are days in UTC, both included; `search` is looked for in code, subject and file name.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    subject: _Word | None = None
    profile: _Word | None = None
    status: Progress | None = None
    quality: Quality | None = None
    since: date | None = None
    until: date | None = None
    search: _Word | None = None

    def wanted(self, readable: frozenset[str] | None) -> SessionFilter:
        """Return what is filtered by, of the subjects that are readable."""
        return SessionFilter(
            subject=self.subject,
            subjects=readable,
            profile=self.profile,
            progress=self.status,
            quality=self.quality,
            first_day=self.since,
            last_day=self.until,
            search=self.search,
        )


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; what only the analysis tells is null before it.

    `standing` says why there is no analysis (yet); null where there is one, and where nobody can tell.
    """

    session_id: str
    session_code: str
    recording: str
    subject: str | None
    profile: str | None
    created_at: datetime
    size_bytes: int | None
    duration_seconds: float | None
    analyzed: bool
    quality: Quality | None
    contractions: int | None
    overall_score: float | None
    standing: Standing | None


class SessionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sessions first; `next_cursor` is null on the last page."""

    success: bool = True
    sessions: list[SessionEntry]
    next_cursor: str | None


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One session with what the recording's header says."""

    success: bool = True
    session: SessionEntry
    metadata: dict[str, Any] | None


class ResultEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One result of a session's recording; `own` is the one that the session shows by itself."""

    profile: str
    digest: str
    core_version: str
    computed_at: datetime
    own: bool


class ResultsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What profiles made of a recording: the session's own result first, then the newest."""

    success: bool = True
    results: list[ResultEntry]


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The endpoints below /sessions with what they use."""

    summaries: SummaryStore
    standings: Standings

    async def listing(self, request: Request, query: ListQuery, readable: frozenset[str] | None) -> Response:
        """GET /sessions: the newest first; who looks again and again gets 304 until something changes."""
        after = place_of(query.cursor) if query.cursor else None
        found = await self.summaries.list_sessions(query.limit + 1, query.wanted(readable), after)
        page, rest = found[: query.limit], found[query.limit :]
        standings = await self._standings(page)
        answer = SessionsAnswer(
            sessions=[entry(session, standings) for session in page],
            next_cursor=cursor_of(page[-1].place) if rest else None,
        )
        body = encode(answer)
        told = {"etag": entity_tag(body.decode()), **_NEVER_KEPT}
        if is_known(request, told["etag"]):
            return Response(status_code=304, headers=told)
        return Response(body, headers=told, media_type=MediaType.JSON)

    async def one(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}: one session with what the recording's header says."""
        line = listed(session)
        answer = SessionAnswer(session=entry(line, await self._standings([line])), metadata=session.game_metadata)
        return json_response(answer, headers=_NEVER_KEPT)

    async def _standings(self, page: Sequence[ListedSession]) -> Mapping[str, Standing]:
        return await self.standings.of([session.session_code for session in page if not session.analyzed])

    async def results(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/results: what profiles made of the recording; `?profile=` shows one of them."""
        found = await self.summaries.list_results(session.session_code)
        results = [ResultEntry(**asdict(result)) for result in found]
        return json_response(ResultsAnswer(results=results), headers=_NEVER_KEPT)

    async def summary(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/summary: as stored."""
        return json_response(_analysed(session), headers=_NEVER_KEPT)

    async def contractions(self, request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/contractions: as a table of the type that Accept likes best."""
        return _table(session, accepted_media_type(request, tuple(WRITERS)), {"vary": "accept"})

    async def contractions_csv(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/contractions.csv: as CSV."""
        return _table(session, MediaType.CSV)

    async def contractions_arrow(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/contractions.arrow: as an Arrow stream."""
        return _table(session, MediaType.ARROW)

    async def contractions_parquet(self, _request: Request, session: StoredSession) -> Response:
        """GET /sessions/{session_id}/contractions.parquet: as a Parquet file."""
        return _table(session, MediaType.PARQUET)


def _analysed(session: StoredSession) -> dict[str, Any]:
    """Return the summary; raises NotAnalysedYet."""
    if session.analytics_summary is None:
        raise NotAnalysedYet(f"session {session.session_code} has no summary yet")
    return session.analytics_summary


def _table(session: StoredSession, media_type: MediaType, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with the contractions of a session, some dozens of rows; raises NotAnalysedYet."""
    ending, write = WRITERS[media_type]
    name = f'attachment; filename="{session.session_code}-contractions.{ending}"'
    told = {"content-disposition": name, **_NEVER_KEPT, **(headers or {})}
    return Response(write(_analysed(session)), headers=told, media_type=media_type)


def entry(session: ListedSession, standings: Mapping[str, Standing]) -> SessionEntry:
    """Return a session's line in the list."""
    return SessionEntry(
        session_id=str(session.id),
        session_code=session.session_code,
        recording=PurePosixPath(session.file_path).name,
        subject=session.subject,
        profile=session.profile,
        created_at=session.created_at,
        size_bytes=session.file_size_bytes,
        duration_seconds=session.duration_s,
        analyzed=session.analyzed,
        quality=session.quality,
        contractions=session.contractions,
        overall_score=session.overall_score,
        standing=standings.get(session.session_code),
    )
