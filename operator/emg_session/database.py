"""What PostgreSQL holds of a session: metadata (phase 1), summary (phase 2), and personal data apart from both."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row

from emg_session.contract import WorkerContract
from emg_session.errors import SchemaMismatch, SummaryRefused
from emg_session.listing import (
    EVERY_SESSION,
    FIND_SESSIONS,
    LIST_SESSIONS,
    MOST_FOUND,
    ListedSession,
    Place,
    SessionFilter,
    can_be_looked_up,
    list_parameters,
    quality_of,
)
from emg_session.migrate import schema_version
from emg_session.pool import ANSWER_SECONDS, Connection, Database, open_database
from emg_session.resource import RecordingRef, SessionSpec, session_id
from emg_session.results import LIST_RESULTS, LOAD_PROFILE_RESULT, MOST_RESULTS, StoredResult
from emg_session.summary import PROCESSING_VERSION

_SCHEMA_VERSION = "SELECT max(version) FROM schema_migrations"

# No conflict target: two that add a session at once meet in either of its keys, and only this waits in both.
_ADD_SESSION = """
INSERT INTO therapy_sessions
    (id, session_code, file_path, object_version, subject, parameters, file_size_bytes, game_metadata)
VALUES (%(id)s, %(session_code)s, %(file_path)s, %(object_version)s, %(subject)s, %(parameters)s::jsonb,
        %(file_size_bytes)s, %(game_metadata)s::jsonb)
ON CONFLICT DO NOTHING
"""

# A name may be chosen freely, and chosen again after its session is gone.
_OF_ANOTHER_RECORDING = """
SELECT 1 FROM therapy_sessions
WHERE session_code = %(session_code)s
  AND (file_path, object_version) IS DISTINCT FROM (%(file_path)s, %(object_version)s)
"""

_SAVE_SESSION = """
UPDATE therapy_sessions AS known
SET file_size_bytes = new.file_size_bytes, game_metadata = new.game_metadata, file_hash = new.file_hash,
    parameters = new.parameters, updated_at = now()
FROM (
    SELECT id,
           coalesce(%(file_size_bytes)s, file_size_bytes)     AS file_size_bytes,
           coalesce(%(game_metadata)s::jsonb, game_metadata)  AS game_metadata,
           coalesce(%(file_hash)s, file_hash)                 AS file_hash,
           CASE WHEN %(file_hash)s::text IS NULL THEN parameters ELSE %(parameters)s::jsonb END AS parameters
    FROM therapy_sessions
    WHERE session_code = %(session_code)s
    FOR UPDATE
) AS new
WHERE known.id = new.id
  AND (known.file_size_bytes, known.game_metadata, known.file_hash, known.parameters)
      IS DISTINCT FROM (new.file_size_bytes, new.game_metadata, new.file_hash, new.parameters)
"""

_SAVE_RESULT = """
INSERT INTO analysis_results AS known (session_id, file_hash, processing_version, parameters, analytics_summary)
VALUES (%(id)s, %(file_hash)s, %(processing_version)s, %(parameters)s::jsonb, %(summary)s::jsonb)
ON CONFLICT (file_hash, processing_version, parameters) DO UPDATE
SET analytics_summary = excluded.analytics_summary, updated_at = now()
WHERE known.analytics_summary IS DISTINCT FROM excluded.analytics_summary
"""

# Without `excluded`, which may only be used by who may read the columns: the worker may not.
_SAVE_PERSONAL = """
INSERT INTO session_personal_data (session_id, player_name, therapist_id, group_id, marker_set)
VALUES (%(id)s, %(player_name)s, %(therapist_id)s, %(group_id)s, %(marker_set)s)
ON CONFLICT (session_id) DO UPDATE
SET player_name = %(player_name)s, therapist_id = %(therapist_id)s, group_id = %(group_id)s,
    marker_set = %(marker_set)s, updated_at = now()
"""

_LOAD_RESULT = """
SELECT result.analytics_summary
FROM therapy_sessions AS session
JOIN analysis_results AS result ON result.file_hash = session.file_hash
WHERE session.session_code = %(session_code)s
  AND session.file_path = %(file_path)s
  AND session.object_version = %(object_version)s
  AND result.processing_version = %(processing_version)s
  AND result.parameters = %(parameters)s::jsonb
"""

# What the sweep must not make again, also when its EMGSession is gone. One that was never analysed may be lost, as with
# its namespace: after a day it is made again, which is nothing new where it still exists.
_KNOWN_SESSIONS = """
SELECT asked.session_code
FROM unnest(%(session_codes)s::text[], %(uris)s::text[], %(versions)s::text[], %(subjects)s::text[])
     AS asked (session_code, uri, version, subject)
WHERE EXISTS (SELECT FROM therapy_sessions AS known
              WHERE known.session_code = asked.session_code
                AND (known.file_hash IS NOT NULL OR known.created_at > now() - interval '1 day'))
   OR is_erased(asked.uri, asked.version, asked.subject)
"""

_ERASED_SESSIONS = """
SELECT asked.session_code
FROM unnest(%(session_codes)s::text[], %(uris)s::text[], %(versions)s::text[], %(subjects)s::text[])
     AS asked (session_code, uri, version, subject)
WHERE is_erased(asked.uri, asked.version, asked.subject)
"""

_SESSIONS = """
SELECT session.id, session.session_code, session.file_path, session.object_version, session.file_size_bytes,
       session.subject, session.parameters ->> 'profile' AS profile, session.game_metadata, session.created_at,
       result.analytics_summary
FROM therapy_sessions AS session
LEFT JOIN analysis_results AS result
       ON result.file_hash = session.file_hash
      AND result.parameters = session.parameters
      AND result.processing_version = %(processing_version)s
"""
_FIND_SESSION = _SESSIONS + "WHERE session.session_code = %(code)s OR session.id = %(id)s"


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A session as the database knows it; the summary is that of its own parameters."""

    id: uuid.UUID
    session_code: str
    file_path: str
    object_version: str
    file_size_bytes: int | None
    subject: str | None
    profile: str | None
    game_metadata: dict[str, Any] | None
    created_at: datetime
    analytics_summary: dict[str, Any] | None


def listed(session: StoredSession) -> ListedSession:
    """Reduce a session to its line in the list."""
    summary, metadata = session.analytics_summary, session.game_metadata or {}
    return ListedSession(
        id=session.id,
        session_code=session.session_code,
        file_path=session.file_path,
        file_size_bytes=session.file_size_bytes,
        subject=session.subject,
        profile=session.profile,
        created_at=session.created_at,
        duration_s=metadata.get("duration_s"),
        analyzed=summary is not None,
        quality=quality_of(summary) if summary else None,
        contractions=sum(len(muscle["contractions"]) for muscle in summary["muscles"]) if summary else None,
        overall_score=summary["scores"]["overall"] if summary else None,
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """What a worker has to store: canonical JSON, the parameters that led to it, and the personal data beside it."""

    file_hash: str
    parameters: Mapping[str, Any]
    recording: Mapping[str, Any]
    summary_json: bytes
    personal: Mapping[str, str]


class SummaryStore:
    """Sessions and summaries in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    async def check_schema(self) -> None:
        """Raise SchemaMismatch unless the database is on this program's schema version."""
        async with self._connection() as connection:
            try:
                row = await (await connection.execute(_SCHEMA_VERSION)).fetchone()
            except psycopg.errors.UndefinedTable:
                row = None
        found, needed = row[0] if row else None, schema_version()
        if found != needed:
            raise SchemaMismatch(
                f"database schema is {found}, this program needs {needed}: run `emg migrate --upgrade`"
            )

    async def save_received(self, name: str, spec: SessionSpec, metadata: Mapping[str, Any] | None) -> None:
        """Phase 1: the recording is known; what is already there stays. Raises RecordingErased."""
        row = _session_row(name, spec, metadata, None)
        async with self._connection() as connection:
            # Nearly every session is new, and one statement is a transaction of its own.
            if (await connection.execute(_ADD_SESSION, row)).rowcount == 0:
                await _refuse_another_recording(connection, row)
                await connection.execute(_SAVE_SESSION, row)

    async def save_result(self, name: str, spec: SessionSpec, result: AnalysisResult) -> None:
        """Phase 2, in one transaction; saying the same twice changes nothing. Raises RecordingErased."""
        row = _session_row(name, spec, result.recording, result.file_hash)
        summary = {
            "processing_version": PROCESSING_VERSION,
            "parameters": _json(result.parameters),
            "summary": result.summary_json.decode(),
        }
        async with self._connection() as connection, connection.transaction():
            await connection.execute(_ADD_SESSION, row)
            await _refuse_another_recording(connection, row)
            await connection.execute(_SAVE_SESSION, row)
            await connection.execute(_SAVE_RESULT, row | summary)
            await connection.execute(_SAVE_PERSONAL, row | dict(result.personal))

    async def load_summary(
        self, name: str, recording: RecordingRef, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the summary of a session for exactly this recording and these parameters, if it is stored."""
        values = {
            "session_code": name,
            "file_path": recording.uri,
            "object_version": recording.version,
            "processing_version": PROCESSING_VERSION,
            "parameters": _json(parameters),
        }
        async with self._connection() as connection:
            row = await (await connection.execute(_LOAD_RESULT, values)).fetchone()
        return row[0] if row else None

    async def known_sessions(self, specs: Mapping[str, SessionSpec]) -> set[str]:
        """Return, of sessions by name, those that need not be made: analysed, received within a day, or erased."""
        return await self._names(_KNOWN_SESSIONS, specs)

    async def erased_sessions(self, specs: Mapping[str, SessionSpec]) -> set[str]:
        """Return, of sessions by name, those whose recordings were erased and must not come back."""
        return await self._names(_ERASED_SESSIONS, specs)

    async def _names(self, query: LiteralString, specs: Mapping[str, SessionSpec]) -> set[str]:
        asked = {
            "session_codes": list(specs),
            # PostgreSQL takes no NUL in a text; definitions of before did, and such a session's subject is somebody.
            "uris": [spec.recording.uri.replace("\0", "") for spec in specs.values()],
            "versions": [spec.recording.version.replace("\0", "") for spec in specs.values()],
            "subjects": [spec.subject for spec in specs.values()],
        }
        async with self._connection() as connection:
            rows = await (await connection.execute(query, asked)).fetchall()
        return {row[0] for row in rows}

    async def find_session(self, key: str) -> StoredSession | None:
        """Return a session by its name or id."""
        values = {"code": key, "id": _uuid(key), "processing_version": PROCESSING_VERSION}
        async with self._connection() as connection, connection.cursor(row_factory=class_row(StoredSession)) as cursor:
            await cursor.execute(_FIND_SESSION, values)
            return await cursor.fetchone()

    async def list_results(self, session_code: str, limit: int = MOST_RESULTS) -> list[StoredResult]:
        """Return the results of a session's recording: its own first, then the newest."""
        asked = {"session_code": session_code, "processing_version": PROCESSING_VERSION, "limit": limit}
        async with self._connection() as connection, connection.cursor(row_factory=class_row(StoredResult)) as cursor:
            await cursor.execute(LIST_RESULTS, asked)
            return await cursor.fetchall()

    async def load_result(self, session_code: str, profile: str) -> dict[str, Any] | None:
        """Return the summary of a session's recording by a profile's name or digest: its own, else the newest."""
        asked = {"session_code": session_code, "processing_version": PROCESSING_VERSION, "profile": profile}
        async with self._connection() as connection:
            row = await (await connection.execute(LOAD_PROFILE_RESULT, asked)).fetchone()
        return row[0] if row else None

    async def list_sessions(
        self, limit: int, wanted: SessionFilter = EVERY_SESSION, after: Place | None = None
    ) -> list[ListedSession]:
        """Return the newest of the wanted sessions, those after a place in the list."""
        async with self._connection() as connection, connection.cursor(row_factory=class_row(ListedSession)) as cursor:
            found = await _found(connection, wanted)
            # A plan made for every filter at once would go through all sessions for any of them.
            await cursor.execute(LIST_SESSIONS, list_parameters(wanted, after, limit, found), prepare=False)
            return await cursor.fetchall()


@asynccontextmanager
async def open_summaries(
    database_url: str, *, most_connections: int = 8, answer_seconds: float = ANSWER_SECONDS
) -> AsyncIterator[SummaryStore]:
    """Open the store for a program that needs nothing else of the database."""
    async with open_database(
        database_url, most_connections=most_connections, answer_seconds=answer_seconds
    ) as database:
        yield SummaryStore(database)


async def _found(connection: Connection, wanted: SessionFilter) -> list[uuid.UUID] | None:
    """Return the sessions that have the word, None where it is in too many of them, or none is asked for."""
    if not can_be_looked_up(wanted):
        return None
    asked = {"search": wanted.search, "most": MOST_FOUND}
    found = [row[0] for row in await (await connection.execute(FIND_SESSIONS, asked)).fetchall()]
    return found if len(found) < MOST_FOUND else None


async def _refuse_another_recording(connection: psycopg.AsyncConnection, row: Mapping[str, Any]) -> None:
    if await (await connection.execute(_OF_ANOTHER_RECORDING, row)).fetchone():
        raise SummaryRefused("the session's name belongs to another recording: create the session under another name")


def _session_row(
    name: str, spec: SessionSpec, metadata: Mapping[str, Any] | None, file_hash: str | None
) -> dict[str, Any]:
    recording = spec.recording
    return {
        "id": session_id(name),
        "session_code": name,
        "file_path": recording.uri,
        "object_version": recording.version,
        "file_size_bytes": recording.size_bytes,
        "subject": spec.subject,
        "parameters": _json(WorkerContract(session_name=name, spec=spec).parameters()),
        "game_metadata": None if metadata is None else _json(metadata),
        "file_hash": file_hash,
    }


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _uuid(key: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(key)
    except ValueError:
        return None
