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
from psycopg import sql

from emg_session.adoption import Adoption, adopted, set_aside_earlier_results
from emg_session.connections import connection_options, database_url
from emg_session.errors import DatabaseUnavailable, Failure, MigrationFailed, SchemaMismatch

_LOCK_KEY = 4_766_201_022  # any constant: whoever migrates this schema takes it
_OWN_SENTENCE = "EMG01"  # what our migrations raise with a sentence that quotes no row
_OWN_NOTICE = "EMG03"  # what they tell on the way
_MAKE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_HAS_TABLE = "SELECT to_regclass(%s) IS NOT NULL"
_SAY_MIGRATING = "SELECT set_config('emg.migrating', 'yes', true)"
_WRITTEN = ("therapy_sessions", "analysis_results", "session_personal_data")
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


@dataclass(frozen=True)
class Upgrade:
    """What was applied, what it told, and what was taken over from the earlier system, if this was its database."""

    applied: list[Migration]
    notices: list[str]
    adoption: Adoption | None


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
    """Apply what is missing and return it; see apply_missing."""
    return apply_missing(url).applied


def apply_missing(url: str, *, rehearse: bool = False) -> Upgrade:
    """Apply what is missing, all or nothing; two programs at once take turns.

    A database of the earlier system is adopted on the way. A rehearsal does everything and takes it back, so it needs
    the time and the locks of the real one. Raises DatabaseUnavailable, SchemaMismatch, MigrationFailed.
    """
    with _connected(url) as connection, connection.transaction(force_rollback=rehearse):
        notices = _notices(connection)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        connection.execute(_MAKE_LEDGER)
        missing = [step.migration for step in _plan(connection) if not step.applied]
        _hold_tables(connection, missing)
        adopting = bool(missing) and set_aside_earlier_results(connection)
        if adopting:
            _make_tables_again(connection, missing)
        for migration in missing:
            _apply(connection, migration)
        return Upgrade(missing, notices, adopted(connection) if adopting else None)


def _notices(connection: psycopg.Connection) -> list[str]:
    """Return a list that fills with what migrations tell."""
    told: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate == _OWN_NOTICE:
            told.append(notice.message_primary or "")

    connection.add_notice_handler(note)
    return told


def _hold_tables(connection: psycopg.Connection, missing: list[Migration]) -> None:
    """Wait for programs that write, in the order in which they take the tables: nobody and we wait for each other."""
    connection.execute(_SAY_MIGRATING)
    for table in _WRITTEN if missing else ():
        if connection.execute(_HAS_TABLE, [table]).fetchone() == (True,):
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))


def _make_tables_again(connection: psycopg.Connection, missing: list[Migration]) -> None:
    """Apply the first migration even if it was: who stopped behind it has the earlier system's tables still."""
    first = migrations()[0]
    if first not in missing:
        connection.execute(first.sql)


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    row = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
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
    except psycopg.errors.DeadlockDetected as error:
        raise DatabaseUnavailable("programs and the migration waited for each other: migrate again") from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the database does not answer; check EMG_DATABASE_URL") from error
    except psycopg.Error as error:
        if error.sqlstate == _OWN_SENTENCE:
            raise MigrationFailed(error.diag.message_primary or "") from error
        # The server's text may quote rows; its code and what it is about are enough to look it up.
        about = error.diag.constraint_name or error.diag.table_name or "no table"
        raise MigrationFailed(f"the migration failed: {type(error).__name__} ({error.sqlstate}), {about}") from error


def main(arguments: list[str]) -> None:
    """Run from the command line: --upgrade, --upgrade --dry-run or --status."""
    url = database_url(os.environ, "which database to migrate")
    match arguments:
        case ["--upgrade"]:
            lines = _told(apply_missing(url), "")
        case ["--upgrade", "--dry-run"] | ["--dry-run", "--upgrade"]:
            lines = _told(apply_missing(url, rehearse=True), "would be ")
        case ["--status"]:
            lines = [f"{'applied' if step.applied else 'missing'} {step.migration.name}" for step in status(url)]
        case _:
            sys.exit("usage: python -m emg_session.migrate --upgrade [--dry-run] | --status")
    sys.stdout.write("".join(f"{line}\n" for line in lines or ["up to date"]))


def _told(done: Upgrade, mood: str) -> list[str]:
    lines = [f"{mood}applied {migration.name}" for migration in done.applied]
    return (
        lines
        + [f"{mood}{notice}" for notice in done.notices]
        + ([f"{mood}adopted {done.adoption}"] if done.adoption else [])
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"emg: {failure}")
