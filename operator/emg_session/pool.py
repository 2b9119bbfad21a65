"""Connections to PostgreSQL that end every wait, and its errors as ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from emg_session.connections import CONNECT_SECONDS, connection_options
from emg_session.errors import DatabaseUnavailable, RecordingErased, SchemaMismatch, SummaryRefused

Connection = psycopg.AsyncConnection[Any]

ANSWER_SECONDS = 10.0
_ERASED = "EMG02"  # what a trigger of ours raises


class Database:
    """Lends connections; what goes wrong with one is a Failure."""

    def __init__(self, pool: AsyncConnectionPool[Connection], answer_seconds: float) -> None:
        self._pool = pool
        self._answer_seconds = answer_seconds

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; a server that fell silent, which no time-out of TCP notices, is given up on as well."""
        with database_errors():
            async with asyncio.timeout(self._answer_seconds), self._pool.connection() as connection:
                yield connection


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate what PostgreSQL raises; its texts, which may quote a row, stay out."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise SchemaMismatch("the database lacks a table or column of ours: run `emg migrate --upgrade`") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnavailable("the database refuses our role: grant it what it needs") from error
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        broken = error.diag.constraint_name or type(error).__name__
        raise SummaryRefused(f"the database refuses what was to be stored ({broken})") from error
    except psycopg.errors.DiskFull as error:
        raise DatabaseUnavailable("the database has no room left: give its disk more") from error
    except (psycopg.OperationalError, psycopg.InternalError, PoolTimeout, TimeoutError) as error:
        # Among the internal ones: a server that a fail-over left read-only.
        raise DatabaseUnavailable("the database does not answer; check EMG_DATABASE_URL and the server") from error
    except psycopg.DatabaseError as error:
        if error.sqlstate != _ERASED:
            raise
        raise RecordingErased("the recording was erased, and must not come back") from error


@asynccontextmanager
async def open_database(
    database_url: str, *, most_connections: int = 8, answer_seconds: float = ANSWER_SECONDS
) -> AsyncIterator[Database]:
    """Open the pool; a server that is away now is waited for at each use, and used again once it is back."""
    options = connection_options(database_url, statement_seconds=answer_seconds)
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        "",
        min_size=1,
        max_size=most_connections,
        open=False,
        timeout=answer_seconds,
        reconnect_timeout=CONNECT_SECONDS,
        check=AsyncConnectionPool.check_connection,
        configure=_read_json_quickly,
        kwargs={"autocommit": True, **options},
    )
    async with pool:
        yield Database(pool, answer_seconds)


async def _read_json_quickly(connection: Connection) -> None:
    """Decode summaries by msgspec: every request for signals reads one, of some 20 kB."""
    set_json_loads(msgspec.json.decode, connection)
