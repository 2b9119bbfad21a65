"""What PostgreSQL holds of a session: metadata (phase 1), summary (phase 2), and personal data apart from both."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from emg_session.errors import DatabaseUnavailable, SchemaMismatch
from emg_session.migrate import schema_version
from emg_session.resource import RecordingRef, session_id, subject_of
from emg_session.summary import PROCESSING_VERSION

Connection = psycopg.AsyncConnection[Any]

_SCHEMA_VERSION = "SELECT max(version) FROM schema_migrations"

_SAVE_SESSION = """
INSERT INTO therapy_sessions AS known
       (id, session_code, file_path, object_version, file_size_bytes, subject, game_metadata, file_hash)
VALUES (%(id)s, %(session_code)s, %(file_path)s, %(object_version)s, %(file_size_bytes)s, %(subject)s,
        %(game_metadata)s::jsonb, %(file_hash)s)
ON CONFLICT (session_code) DO UPDATE
SET file_size_bytes = coalesce(excluded.file_size_bytes, known.file_size_bytes),
    game_metadata   = coalesce(excluded.game_metadata, known.game_metadata),
    file_hash       = coalesce(excluded.file_hash, known.file_hash),
    updated_at      = now()
WHERE (known.file_hash, known.game_metadata) IS DISTINCT FROM
      (coalesce(excluded.file_hash, known.file_hash), coalesce(excluded.game_metadata, known.game_metadata))
"""

_SAVE_RESULT = """
INSERT INTO analysis_results AS known (session_id, file_hash, processing_version, parameters, analytics_summary)
VALUES (%(id)s, %(file_hash)s, %(processing_version)s, %(parameters)s::jsonb, %(summary)s::jsonb)
ON CONFLICT (file_hash, processing_version, parameters) DO UPDATE
SET analytics_summary = excluded.analytics_summary, updated_at = now()
WHERE known.analytics_summary IS DISTINCT FROM excluded.analytics_summary
"""

_SAVE_PERSONAL = """
INSERT INTO session_personal_data AS known (session_id, player_name, therapist_id, group_id, marker_set)
VALUES (%(id)s, %(player_name)s, %(therapist_id)s, %(group_id)s, %(marker_set)s)
ON CONFLICT (session_id) DO UPDATE
SET player_name = excluded.player_name, therapist_id = excluded.therapist_id,
    group_id = excluded.group_id, marker_set = excluded.marker_set, updated_at = now()
"""

_LOAD_RESULT = """
SELECT result.analytics_summary
FROM therapy_sessions AS session
JOIN analysis_results AS result ON result.file_hash = session.file_hash
WHERE session.session_code = %(session_code)s
  AND result.processing_version = %(processing_version)s
  AND result.parameters = %(parameters)s::jsonb
"""

_SESSIONS = """
SELECT session.id, session.session_code, session.file_path, session.object_version, session.file_size_bytes,
       session.subject, session.game_metadata, session.created_at, latest.analytics_summary
FROM therapy_sessions AS session
LEFT JOIN LATERAL (
    SELECT analytics_summary
    FROM analysis_results AS result
    WHERE result.file_hash = session.file_hash AND result.analytics_summary IS NOT NULL
    ORDER BY result.updated_at DESC, result.id
    LIMIT 1
) AS latest ON true
"""
_FIND_SESSION = _SESSIONS + "WHERE session.session_code = %(key)s OR session.id::text = %(key)s"
_LIST_SESSIONS = _SESSIONS + (
    "WHERE session.session_code IS NOT NULL ORDER BY session.created_at DESC, session.session_code LIMIT %(limit)s"
)


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A session as the database knows it; the summary is the newest one, whatever its profile."""

    id: uuid.UUID
    session_code: str
    file_path: str
    object_version: str
    file_size_bytes: int | None
    subject: str | None
    game_metadata: dict[str, Any] | None
    created_at: datetime
    analytics_summary: dict[str, Any] | None


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

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

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

    async def save_received(self, name: str, recording: RecordingRef, metadata: Mapping[str, Any] | None) -> None:
        """Phase 1: the recording is known; what is already there stays."""
        async with self._connection() as connection:
            await connection.execute(_SAVE_SESSION, _session_row(name, recording, metadata, None))

    async def save_result(self, name: str, recording: RecordingRef, result: AnalysisResult) -> None:
        """Phase 2, in one transaction; saying the same twice changes nothing."""
        row = _session_row(name, recording, result.recording, result.file_hash)
        summary = {
            "processing_version": PROCESSING_VERSION,
            "parameters": _json(result.parameters),
            "summary": result.summary_json.decode(),
        }
        async with self._connection() as connection, connection.transaction():
            await connection.execute(_SAVE_SESSION, row)
            await connection.execute(_SAVE_RESULT, row | summary)
            await connection.execute(_SAVE_PERSONAL, row | dict(result.personal))

    async def load_summary(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the summary of a session for exactly these parameters, if it is stored."""
        values = {"session_code": name, "processing_version": PROCESSING_VERSION, "parameters": _json(parameters)}
        async with self._connection() as connection:
            row = await (await connection.execute(_LOAD_RESULT, values)).fetchone()
        return row[0] if row else None

    async def find_session(self, key: str) -> StoredSession | None:
        """Return a session by its name or id."""
        async with self._connection() as connection, connection.cursor(row_factory=class_row(StoredSession)) as cursor:
            await cursor.execute(_FIND_SESSION, {"key": key})
            return await cursor.fetchone()

    async def list_sessions(self, limit: int) -> list[StoredSession]:
        """Return the newest sessions first."""
        async with self._connection() as connection, connection.cursor(row_factory=class_row(StoredSession)) as cursor:
            await cursor.execute(_LIST_SESSIONS, {"limit": limit})
            return await cursor.fetchall()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseUnavailable("the database does not answer; check EMG_DATABASE_URL and the server") from error


@asynccontextmanager
async def open_summaries(database_url: str, *, most_connections: int = 8) -> AsyncIterator[SummaryStore]:
    """Open the store; a server that is away now is waited for at each use, and used again once it is back."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=most_connections,
        open=False,
        timeout=5,
        reconnect_timeout=5,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "connect_timeout": 5},
    )
    async with pool:
        yield SummaryStore(pool)


def _session_row(
    name: str, recording: RecordingRef, metadata: Mapping[str, Any] | None, file_hash: str | None
) -> dict[str, Any]:
    return {
        "id": session_id(name),
        "session_code": name,
        "file_path": recording.uri,
        "object_version": recording.version,
        "file_size_bytes": recording.size_bytes,
        "subject": subject_of(recording.uri),
        "game_metadata": None if metadata is None else _json(metadata),
        "file_hash": file_hash,
    }


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
