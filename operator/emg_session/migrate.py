"""Bring the database to this program's schema: plain SQL files, forward only, under an advisory lock.

`python -m emg_session.migrate --upgrade` and `emg migrate --upgrade` are the same.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

import psycopg

from emg_session.connections import connection_options, database_url
from emg_session.errors import DatabaseUnavailable, Failure, MigrationFailed, SchemaMismatch

_LOCK_KEY = 4_766_201_022  # any constant: whoever migrates this schema takes it
_OWN_SENTENCE = "EMG01"  # what our migrations raise with a sentence that quotes no row
_MAKE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_HAS_LEDGER = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_APPLIED = "SELECT version, checksum FROM schema_migrations"
_RECORD = "INSERT INTO schema_migrations (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s)"


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> str:
        """sha256 of the file: a released migration is never edited."""
        return hashlib.sha256(self.sql).hexdigest()


@dataclass(frozen=True)
class Step:
    """A migration and whether this database has it."""

    migration: Migration
    applied: bool


def migrations() -> list[Migration]:
    """Return all migrations of this program, in order."""
    files = (f for f in resources.files("emg_session").joinpath("migrations").iterdir() if f.name.endswith(".sql"))
    found = [Migration(int(f.name.split("_")[0]), f.name, f.read_bytes()) for f in files]
    return sorted(found, key=lambda migration: migration.version)


def schema_version() -> int:
    """Return the schema version this program needs."""
    return migrations()[-1].version


def status(url: str) -> list[Step]:
    """Return every migration with whether it is applied; raises DatabaseUnavailable, SchemaMismatch."""
    with _connected(url) as connection:
        return _plan(connection)


def upgrade(url: str) -> list[Migration]:
    """Apply what is missing and return it; two programs at once take turns."""
    with _connected(url) as connection, _locked(connection):
        connection.execute(_MAKE_LEDGER)
        missing = [step.migration for step in _plan(connection) if not step.applied]
        for migration in missing:
            _apply(connection, migration)
    return missing


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    row = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
    with connection.transaction():
        connection.execute(migration.sql)
        connection.execute(_RECORD, row)


def _plan(connection: psycopg.Connection) -> list[Step]:
    applied = _applied(connection)
    known = migrations()
    unknown = applied.keys() - {m.version for m in known}
    if unknown:
        raise SchemaMismatch(f"the database is ahead, at {max(unknown)}: install the newer program")
    for migration in known:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise SchemaMismatch(f"{migration.name} is not what was applied: restore the released file")
    return [Step(migration, migration.version in applied) for migration in known]


def _applied(connection: psycopg.Connection) -> dict[int, str]:
    exists = connection.execute(_HAS_LEDGER).fetchone()
    return dict(connection.execute(_APPLIED).fetchall()) if exists == (True,) else {}


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    options = connection_options(url)
    try:
        with psycopg.connect(autocommit=True, **options) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the database does not answer; check EMG_DATABASE_URL") from error
    except psycopg.Error as error:
        if error.sqlstate == _OWN_SENTENCE:
            raise MigrationFailed(error.diag.message_primary or "") from error
        # The server's text may quote rows; its code and what it is about are enough to look it up.
        about = error.diag.constraint_name or error.diag.table_name or "no table"
        raise MigrationFailed(f"the migration failed: {type(error).__name__} ({error.sqlstate}), {about}") from error


@contextmanager
def _locked(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_KEY])


def main(arguments: list[str]) -> None:
    """Run from the command line: --upgrade or --status."""
    url = database_url(os.environ, "which database to migrate")
    match arguments:
        case ["--upgrade"]:
            lines = [f"applied {migration.name}" for migration in upgrade(url)]
        case ["--status"]:
            lines = [f"{'applied' if step.applied else 'missing'} {step.migration.name}" for step in status(url)]
        case _:
            sys.exit("usage: python -m emg_session.migrate --upgrade | --status")
    sys.stdout.write("".join(f"{line}\n" for line in lines or ["up to date"]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"emg: {failure}")
