"""Erasing what the database holds of a subject, or of sessions that are too old, so that it does not come back.

A tombstone is set first and the rows go last: whoever is stopped in between does it again from the beginning.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import msgspec
import psycopg

from emg_session.errors import InvalidSettings, StillNeeded
from emg_session.pool import Connection, Database
from emg_session.resource import RecordingRef, subject_of

# Triggers take the same lock, but later: taken first, it lets nobody wait for us while we wait for them.
_LOCK = "SELECT pg_advisory_xact_lock(4766201033)"
_SAY_WHY = "SELECT set_config('emg.reason', %(reason)s, true)"
_CENTRES_OF = "SELECT DISTINCT centre FROM therapy_sessions WHERE subject = %(subject)s ORDER BY 1"
_HAS_CENTRES = "SELECT EXISTS (SELECT FROM centre_places)"

_BURY_SUBJECT = """
INSERT INTO tombstones (kind, centre, digest)
VALUES ('subject', %(centre)s::text, tombstone_digest('subject', %(centre)s::text || '/' || %(subject)s))
ON CONFLICT (digest) DO NOTHING
"""

# Also what comes into the folder later, and whichever centre its place has then.
_BURY_FOLDERS = """
INSERT INTO tombstones (kind, centre, digest)
SELECT DISTINCT 'folder', centre, tombstone_digest('folder', folder_of(file_path, subject))
FROM therapy_sessions
WHERE subject = %(subject)s AND centre = %(centre)s AND folder_of(file_path, subject) IS NOT NULL
ON CONFLICT (digest) DO NOTHING
"""

_BURY_OBJECTS = """
INSERT INTO tombstones (kind, centre, digest)
SELECT DISTINCT 'object', centre, tombstone_digest('object', file_path)
FROM therapy_sessions
WHERE subject = %(subject)s AND centre = %(centre)s AND file_path IS NOT NULL
ON CONFLICT (digest) DO NOTHING
"""

_RECORDINGS_OF = """
SELECT DISTINCT file_path, object_version
FROM therapy_sessions
WHERE subject = %(subject)s AND centre = %(centre)s AND file_path IS NOT NULL
ORDER BY 1, 2
"""

_COUNT_ROWS = """
WITH mine AS (SELECT id, file_hash FROM therapy_sessions WHERE subject = %(subject)s AND centre = %(centre)s)
SELECT (SELECT count(*) FROM session_personal_data WHERE session_id IN (SELECT id FROM mine)),
       (SELECT count(*) FROM analysis_results
        WHERE file_hash IN (SELECT file_hash FROM mine) OR session_id IN (SELECT id FROM mine)),
       (SELECT count(*) FROM superseded_results WHERE file_hash IN (SELECT file_hash FROM mine))
"""
_COUNTED = ("sessions", "personal_data", "results", "superseded_results")

_COUNT_SHARED = """
SELECT count(*) FROM analysis_results WHERE file_hash = ANY (%(hashes)s)
"""

_DELETE_PERSONAL = """
DELETE FROM session_personal_data
WHERE session_id IN (SELECT id FROM therapy_sessions WHERE subject = %(subject)s AND centre = %(centre)s)
"""

_DELETE_SESSIONS = """
DELETE FROM therapy_sessions WHERE subject = %(subject)s AND centre = %(centre)s RETURNING session_code, file_hash
"""

_DIGEST = "SELECT encode(tombstone_digest('subject', %(centre)s || '/' || %(subject)s), 'hex')"

_NOTE = """
INSERT INTO audit_log (id, at, caller, operation, asked, reason, centre)
VALUES (%(id)s, now(), 'database role ' || session_user, 'erase subject', %(receipt)s::jsonb, left(%(reason)s, 200),
        %(centre)s)
"""

_TOO_OLD = """
SELECT id FROM therapy_sessions
WHERE created_at < now() - make_interval(days => %(days)s) AND id <> ALL (%(kept)s)
ORDER BY created_at
LIMIT %(most)s
"""

_EXPIRE = """
WITH expired AS (
    SELECT id, file_path, object_version, centre FROM therapy_sessions WHERE id = ANY (%(ids)s)
), buried AS (
    INSERT INTO tombstones (kind, centre, digest)
    SELECT DISTINCT 'version', centre, tombstone_digest('version', file_path || E'\\n' || object_version)
    FROM expired
    WHERE file_path IS NOT NULL AND object_version IS NOT NULL
    ON CONFLICT (digest) DO NOTHING
)
DELETE FROM therapy_sessions WHERE id IN (SELECT id FROM expired)
"""
_CHECK_KEYS_NOW = "SET CONSTRAINTS ALL IMMEDIATE"

_IN_CENTRE = "SELECT uri FROM unnest(%(uris)s::text[]) AS asked (uri) WHERE centre_of(uri) = %(centre)s"

_NEWEST_TOMBSTONE = "SELECT coalesce(max(number), 0) FROM tombstones"

_EXPIRE_AT_ONCE = 200
_NOT_ERASED = (
    "backups of the database and of storage: they end by their own rules",
    "older versions in a versioned bucket, where a lifecycle rule has to end them",
    "lines of the audit log, which know sessions by pseudonymous names",
    "tables of an earlier system that are none of ours",
)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """Whom it is about, and why; a subject's code may mean another person in another centre."""

    subject: str
    centre: str
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased, without saying whom it was about; `subject_digest` proves it to who has the database's key."""

    id: uuid.UUID
    erased_at: datetime
    reason: str
    centre: str
    subject_digest: str
    sessions: tuple[str, ...]
    rows: Mapping[str, int]
    results_kept_for_others: int
    recordings_deleted: int | None
    not_erased: tuple[str, ...] = _NOT_ERASED


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """How many sessions were too old and are gone; which could not go, by id, and what holds on to them."""

    sessions: int
    kept: Mapping[uuid.UUID, StillNeeded]


class Erasures:
    """Erasing, for who may: the tables' owner, and members of emg_admin."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def centre_of(self, subject: str, centre: str | None) -> str:
        """Return the centre that is meant; raises InvalidSettings where that has to be said, or nobody has the code."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_CENTRES_OF, {"subject": subject})).fetchall()
            there_are_centres = await _value(connection, _HAS_CENTRES, {})
        centres = [row[0] for row in rows]
        if not centres and subject_of(f"{subject}/one.c3d") != subject:
            raise InvalidSettings("no session has this subject, nor could one: codes are like P001")
        if centre is not None:
            return centre
        if len(centres) > 1 or (not centres and there_are_centres):
            known = f"is known in {len(centres)} centres" if centres else "has no session"
            raise InvalidSettings(
                f"the subject {known}: say whose it is with --centre (an empty one where none has it)"
            )
        return centres[0] if centres else ""

    async def bury(self, erasure: Erasure) -> list[RecordingRef]:
        """Set the tombstones: from now on nothing of the subject is stored. Return the recordings that were known."""
        values = _values(erasure)
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_SAY_WHY, values)
            await connection.execute(_BURY_SUBJECT, values)
            await connection.execute(_BURY_FOLDERS, values)
            await connection.execute(_BURY_OBJECTS, values)
            rows = await (await connection.execute(_RECORDINGS_OF, values)).fetchall()
        return [RecordingRef(uri=uri, version=version or "") for uri, version in rows]

    async def in_centre(self, uris: Sequence[str], centre: str) -> list[str]:
        """Return those of some URIs that lie in a centre's places."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_IN_CENTRE, {"uris": uris, "centre": centre})).fetchall()
        return [row[0] for row in rows]

    async def erase(self, erasure: Erasure, recordings_deleted: int | None, now: datetime) -> Receipt:
        """Delete the rows and write it down, all or nothing; again, it finds nothing left to delete.

        Raises StillNeeded.
        """
        values = _values(erasure)
        async with self._deleting() as connection:
            await connection.execute(_LOCK)
            await connection.execute(_SAY_WHY, values)
            counts = await _fetch(connection, _COUNT_ROWS, values)
            await connection.execute(_DELETE_PERSONAL, values)
            sessions = await (await connection.execute(_DELETE_SESSIONS, values)).fetchall()
            kept = await _value(connection, _COUNT_SHARED, {"hashes": [row[1] for row in sessions if row[1]]})
            receipt = Receipt(
                id=uuid.uuid4(),
                erased_at=now,
                reason=erasure.reason,
                centre=erasure.centre,
                subject_digest=await _value(connection, _DIGEST, values),
                sessions=tuple(sorted(row[0] or "" for row in sessions)),
                rows=dict(zip(_COUNTED, (len(sessions), *counts), strict=True)),
                results_kept_for_others=kept,
                recordings_deleted=recordings_deleted,
            )
            await connection.execute(_NOTE, _note(receipt))
        return receipt

    async def expire(self, days: int) -> Expiry:
        """Delete sessions that were received longer ago, and what only they had."""
        sessions, kept = 0, dict[uuid.UUID, StillNeeded]()
        while ids := await self._too_old(days, kept):
            try:
                sessions += await self._expire(ids, days)
            except StillNeeded:
                kept |= (refused := await self._expire_one_by_one(ids, days))
                sessions += len(ids) - len(refused)
        return Expiry(sessions=sessions, kept=kept)

    async def _too_old(self, days: int, kept: Mapping[uuid.UUID, StillNeeded]) -> list[uuid.UUID]:
        """Return some, so that nobody waits long for the lock."""
        values = {"days": days, "kept": list(kept), "most": _EXPIRE_AT_ONCE}
        async with self._database.connection() as connection:
            return [row[0] for row in await (await connection.execute(_TOO_OLD, values)).fetchall()]

    async def _expire_one_by_one(self, ids: Sequence[uuid.UUID], days: int) -> dict[uuid.UUID, StillNeeded]:
        refused = {}
        for each in ids:
            try:
                await self._expire([each], days)
            except StillNeeded as needed:
                refused[each] = needed
        return refused

    async def _expire(self, ids: Sequence[uuid.UUID], days: int) -> int:
        values = {"ids": ids, "reason": f"retention of {days} days"}
        async with self._deleting() as connection:
            await connection.execute(_LOCK)
            await connection.execute(_SAY_WHY, values)
            return (await connection.execute(_EXPIRE, values)).rowcount

    @asynccontextmanager
    async def _deleting(self) -> AsyncIterator[Connection]:
        """Open a transaction; raises StillNeeded where a table of others holds on to what it deletes."""
        async with self._database.connection() as connection:
            try:
                async with connection.transaction():
                    yield connection
                    await connection.execute(_CHECK_KEYS_NOW)
            except psycopg.errors.ForeignKeyViolation as error:
                holder = error.diag.table_name
                raise StillNeeded(f"table {holder} holds on to it: delete its rows, then erase again") from error

    async def newest_tombstone(self) -> int:
        """Return a number that grows with every tombstone."""
        async with self._database.connection() as connection:
            return int(await _value(connection, _NEWEST_TOMBSTONE, {}))


def _values(erasure: Erasure) -> dict[str, Any]:
    return {"subject": erasure.subject, "centre": erasure.centre, "reason": erasure.reason}


def _note(receipt: Receipt) -> dict[str, Any]:
    told = {"subject_digest": receipt.subject_digest, "rows": receipt.rows, "recordings": receipt.recordings_deleted}
    encoded = msgspec.json.encode(told).decode()
    return {"id": receipt.id, "receipt": encoded, "reason": receipt.reason, "centre": receipt.centre}


async def _value(connection: Connection, query: LiteralString, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    (value,) = await _fetch(connection, query, values)
    return value


async def _fetch(connection: Connection, query: LiteralString, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the one row of a query that always has one."""
    (row,) = await (await connection.execute(query, values)).fetchall()
    return tuple(row)
