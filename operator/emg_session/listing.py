"""Sessions as a list: which are wanted, where a page begins, and the one line that tells of each."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from emg_session.summary import PROCESSING_VERSION


class Progress(StrEnum):
    """Whether the analysis has stored its summary."""

    ANALYZED = "analyzed"
    WAITING = "waiting"


class Quality(StrEnum):
    """Good: every channel is usable as the analysis found it."""

    GOOD = "good"
    POOR = "poor"


@dataclass(frozen=True, kw_only=True)
class SessionFilter:
    """Which sessions are wanted; None asks for nothing. Days are UTC's, both included.

    `search` is looked for, in any case, in a session's code, its subject and its recording's file name. `subjects` are
    all that the reader may see.
    """

    subject: str | None = None
    subjects: frozenset[str] | None = None
    profile: str | None = None
    progress: Progress | None = None
    quality: Quality | None = None
    first_day: date | None = None
    last_day: date | None = None
    search: str | None = None


EVERY_SESSION = SessionFilter()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A session's place in the list: the newest come first, of those from the same moment the last by code."""

    created_at: datetime
    session_code: str


@dataclass(frozen=True, kw_only=True)
class ListedSession:
    """One line of the list; what only the header or the analysis tells is None before it."""

    id: uuid.UUID
    session_code: str
    file_path: str
    file_size_bytes: int | None
    subject: str | None
    profile: str | None
    created_at: datetime
    duration_s: float | None
    analyzed: bool
    quality: Quality | None
    contractions: int | None
    overall_score: float | None

    @property
    def place(self) -> Place:
        """Where the next page begins after this session."""
        return Place(created_at=self.created_at, session_code=self.session_code)


FIND_SESSIONS = "SELECT sessions_found(%(search)s, %(most)s)"
# A word that more sessions have is soon met by who goes through the list from its newest on.
MOST_FOUND = 1000
_SHORTEST_INDEXED = 2

LIST_SESSIONS = """
WITH listed AS (
    SELECT session.id, session.session_code, session.file_path, session.file_size_bytes, session.subject,
           session.parameters ->> 'profile' AS profile,
           session.created_at,
           CASE jsonb_typeof(session.game_metadata -> 'duration_s')
               WHEN 'number' THEN (session.game_metadata ->> 'duration_s')::double precision
           END AS duration_s,
           provenance.result
    FROM therapy_sessions AS session
    LEFT JOIN analysis_results AS stored
           ON stored.file_hash = session.file_hash
          AND stored.parameters = session.parameters
          AND stored.processing_version = %(processing_version)s
    LEFT JOIN provenance ON provenance.result_id = stored.id
    WHERE session.session_code IS NOT NULL
      AND (%(subject)s::text IS NULL OR session.subject = %(subject)s)
      AND (%(subjects)s::text[] IS NULL OR session.subject = ANY (%(subjects)s))
      AND (%(profile)s::text IS NULL OR session.parameters ->> 'profile' = %(profile)s)
      AND (%(analyzed)s::boolean IS NULL OR (provenance.result IS NOT NULL) = %(analyzed)s)
      AND (%(since)s::timestamptz IS NULL OR session.created_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR session.created_at < %(until)s)
      AND (%(found)s::uuid[] IS NULL OR session.id = ANY (%(found)s))
      AND (%(search)s::text IS NULL
           OR position(lower(%(search)s)
                       IN searched_text(session.session_code, session.subject, session.file_path)) > 0)
      AND (%(after)s::timestamptz IS NULL
           OR (session.created_at, session.session_code) < (%(after)s, %(after_code)s::text))
      AND (%(poor)s::boolean IS NULL
           OR provenance.result IS NOT NULL
              AND (SELECT coalesce(bool_or(verdict <> 'Usable'), false)
                   FROM channels WHERE channels.result = provenance.result) = %(poor)s)
    ORDER BY session.created_at DESC, session.session_code DESC
    LIMIT %(limit)s
)
SELECT id, session_code, file_path, file_size_bytes, subject, profile, created_at, duration_s,
       result IS NOT NULL AS analyzed,
       CASE WHEN result IS NOT NULL THEN
           (SELECT CASE WHEN bool_or(verdict <> 'Usable') THEN 'poor' ELSE 'good' END
            FROM channels WHERE channels.result = listed.result)
       END AS quality,
       CASE WHEN result IS NOT NULL THEN
           (SELECT coalesce(sum(contractions), 0)::integer FROM muscles WHERE muscles.result = listed.result)
       END AS contractions,
       (SELECT overall FROM scores WHERE scores.result = listed.result) AS overall_score
FROM listed
ORDER BY created_at DESC, session_code DESC
"""


def can_be_looked_up(wanted: SessionFilter) -> bool:
    """Whether FIND_SESSIONS can say which sessions have the word: of two letters or more."""
    return len(wanted.search or "") >= _SHORTEST_INDEXED


def list_parameters(
    wanted: SessionFilter, after: Place | None, limit: int, found: Sequence[uuid.UUID] | None = None
) -> dict[str, Any]:
    """Return what LIST_SESSIONS needs to know; `found` are all that have the word, where those are few."""
    asked = asdict(wanted)
    return {name: asked[name] for name in ("subject", "profile")} | {
        "search": wanted.search if found is None else None,
        "found": None if found is None else list(found),
        "subjects": None if wanted.subjects is None else sorted(wanted.subjects),
        "analyzed": None if wanted.progress is None else wanted.progress is Progress.ANALYZED,
        "poor": None if wanted.quality is None else wanted.quality is Quality.POOR,
        "since": _midnight(wanted.first_day),
        "until": _midnight(_day_after(wanted.last_day)),
        "after": after and after.created_at,
        "after_code": after and after.session_code,
        "limit": limit,
        "processing_version": PROCESSING_VERSION,
    }


def quality_of(summary: Mapping[str, Any]) -> Quality:
    """Return what a summary says of its channels together."""
    return Quality.GOOD if all(c["verdict"] == "Usable" for c in summary["channels"]) else Quality.POOR


def _day_after(day: date | None) -> date | None:
    """Return the next day, if there is one."""
    return None if day in (None, date.max) else day + timedelta(days=1)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
