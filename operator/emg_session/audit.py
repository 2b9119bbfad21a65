"""The audit table: who read what of which session, when, and why. Lines are only ever added."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from emg_session.pool import Database

_APPEND = """
INSERT INTO audit_log (id, at, caller, operation, session_code, asked, status, reason, request_id)
VALUES (%(id)s, %(at)s, %(caller)s, %(operation)s, %(session_code)s, %(asked)s::jsonb, %(status)s, %(reason)s,
        %(request_id)s)
ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One read: the caller by a pseudonym, `asked` what the query says; `id` makes storing it twice harmless."""

    at: datetime
    caller: str
    operation: str
    session_code: str | None
    asked: dict[str, Any]
    status: int
    reason: str | None
    request_id: str | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)


class AuditLog:
    """The table, for who may add to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store lines, all or none; raises DatabaseUnavailable, SchemaMismatch, SummaryRefused."""
        rows = [msgspec.to_builtins(entry) | {"asked": msgspec.json.encode(entry.asked).decode()} for entry in entries]
        async with self._database.connection() as connection, connection.transaction():
            await connection.cursor().executemany(_APPEND, rows)
