"""Recordings that are stored under two profiles, one after the other: there may be 100,000 of them."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
from psycopg.rows import class_row

from emg_session.agreement import Pair
from emg_session.pool import Database
from emg_session.summary import PROCESSING_VERSION

_AT_ONCE = 50

# One line for a recording, however many sessions share it; with other options it would be another profile.
_PAIRS = """
SELECT session.session_code, session.subject, session.centre,
       one.analytics_summary AS first, other.analytics_summary AS second
FROM analysis_results AS one
JOIN analysis_results AS other
  ON other.file_hash = one.file_hash
 AND other.processing_version = one.processing_version
 AND other.parameters = one.parameters || jsonb_build_object('profile', %(second)s::text)
CROSS JOIN LATERAL (
    SELECT known.session_code, known.subject, known.centre
    FROM therapy_sessions AS known
    WHERE known.file_hash = one.file_hash
    ORDER BY known.session_code
    LIMIT 1
) AS session
WHERE one.parameters ->> 'profile' = %(first)s
  AND one.processing_version = %(processing_version)s
  AND one.analytics_summary IS NOT NULL
  AND other.analytics_summary IS NOT NULL
ORDER BY session.session_code, one.parameters
"""


async def stored_pairs(database: Database, first: str, second: str) -> AsyncIterator[Pair]:
    """Give every recording that is stored under both profiles; raises DatabaseUnavailable."""
    values = {"first": first, "second": second, "processing_version": PROCESSING_VERSION}
    async with database.connection() as connection, connection.transaction():
        cursor = psycopg.AsyncServerCursor[Any](connection, "pairs", row_factory=class_row(Pair))
        async with cursor:
            cursor.itersize = _AT_ONCE
            await cursor.execute(_PAIRS, values)
            async for pair in cursor:
                yield pair
