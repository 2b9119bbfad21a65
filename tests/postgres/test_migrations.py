import asyncio
import hashlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore, open_summaries
from emg_session.errors import MigrationFailed, SchemaMismatch
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.catalog import catalog
from tests.support.postgres import fresh_database
from tests.support.recordings import synthetic_recording
from tests.support.waiting import until

EARLIER_SYSTEM = """
CREATE TABLE therapy_sessions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), patient_id text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE analysis_results (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid REFERENCES therapy_sessions (id), file_hash varchar(64), emg_signals jsonb,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
INSERT INTO therapy_sessions (patient_id) VALUES ('one');
INSERT INTO analysis_results (session_id, file_hash, emg_signals)
    SELECT id, 'ab12', '{"CH1": [0.1, 0.2]}' FROM therapy_sessions, generate_series(1, 3);
"""

A_ROW_OF_EACH = """
WITH session AS (INSERT INTO therapy_sessions (session_code, file_hash, parameters)
                 VALUES ('emg-' || %(n)s, 'hash-' || %(n)s, '{"profile": "standard-1"}') RETURNING *)
INSERT INTO analysis_results (session_id, file_hash, parameters) SELECT id, file_hash, parameters FROM session
"""


def query(url: str, sql: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def schema(url: str) -> list[tuple]:
    return query(
        url,
        "SELECT table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
    )


def test_an_empty_database_gets_every_migration_once(database_url: str) -> None:
    assert [m.version for m in migrate.upgrade(database_url)] == [m.version for m in migrate.migrations()]
    assert migrate.upgrade(database_url) == []
    assert all(step.applied for step in migrate.status(database_url))


def test_nothing_is_applied_before_upgrade(database_url: str) -> None:
    assert not any(step.applied for step in migrate.status(database_url))


def test_programs_that_migrate_at_once_take_turns(database_url: str) -> None:
    with ThreadPoolExecutor(4) as programs:
        applied = list(programs.map(migrate.upgrade, [database_url] * 4))
    assert sorted(len(part) for part in applied) == [0, 0, 0, len(migrate.migrations())]


def in_a_process(url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "emg_session.migrate", "--upgrade"]
    env = {"EMG_DATABASE_URL": url}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ten_programs_that_start_at_once_migrate_once(database_url: str) -> None:
    programs = [in_a_process(database_url) for _ in range(10)]
    told = [program.communicate() for program in programs]
    assert [(program.returncode, errors) for program, (_, errors) in zip(programs, told, strict=True)] == [(0, "")] * 10
    assert Counter(output for output, _ in told)["up to date\n"] == 9
    assert sum(output.count("applied") for output, _ in told) == len(migrate.migrations())


@contextmanager
def stopped_in_the_middle(url: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield a program that waits in migration 024 for a table of that name, which another transaction is making."""
    with psycopg.connect(url) as other:
        other.execute("CREATE TABLE audit_log ()")
        program = in_a_process(url)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with psycopg.connect(url, autocommit=True) as watch:
            while watch.execute(waiting).fetchone() == (0,):
                assert program.poll() is None
                time.sleep(0.02)
        yield program
        other.rollback()


def test_a_program_killed_half_way_leaves_nothing_and_the_next_does_all(database_url: str) -> None:
    empty = catalog(database_url)
    with stopped_in_the_middle(database_url) as program:
        program.kill()
        program.communicate()
    waited_out(database_url)
    assert catalog(database_url) == empty
    assert len(migrate.upgrade(database_url)) == len(migrate.migrations())


def test_a_connection_lost_half_way_leaves_nothing_and_is_told(database_url: str) -> None:
    empty = catalog(database_url)
    with stopped_in_the_middle(database_url) as program:
        query(database_url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
        _, errors = program.communicate()
    assert (program.returncode, errors) == (1, "emg: the database does not answer; check EMG_DATABASE_URL\n")
    assert catalog(database_url) == empty
    assert len(migrate.upgrade(database_url)) == len(migrate.migrations())


def waited_out(url: str) -> None:
    """Wait until the server has noticed that its client is gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while query(url, others) != [(0,)]:
        time.sleep(0.02)


def test_a_database_replayed_with_rows_between_is_made_of_the_same_parts_as_a_new_one(
    database_url: str, postgres_server: Postgres
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for migration in migrate.migrations():
            connection.execute(migration.sql)
            connection.execute(A_ROW_OF_EACH, {"n": migration.version})
            connection.execute("SET search_path = public")
    with fresh_database(postgres_server) as new:
        migrate.upgrade(new)
        assert catalog(database_url) == catalog(new)
    assert query(database_url, "SELECT count(*) FROM therapy_sessions") == [(len(migrate.migrations()),)]


def test_the_earlier_systems_rows_survive_without_their_time_series(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(EARLIER_SYSTEM)
    migrate.upgrade(database_url)
    rows = query(database_url, "SELECT processing_version, optimization_applied FROM analysis_results ORDER BY 1")
    assert rows == [("1.0", False), ("1.0-2", False), ("1.0-3", False)]
    assert ("analysis_results", "emg_signals") not in [row[:2] for row in schema(database_url)]
    told = query(database_url, "SELECT earlier #>> '{therapy_sessions,patient_id}' FROM session_personal_data")
    assert told == [("one",)]


def test_a_time_series_is_refused(database_url: str) -> None:
    migrate.upgrade(database_url)
    insert = "INSERT INTO analysis_results (file_hash, analytics_summary) SELECT 'ab', jsonb_build_object('x', %s)"
    numbers = "(SELECT jsonb_agg(n) FROM generate_series(1, 5000) AS n)"
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(insert.replace("%s", numbers))


def test_an_edited_migration_is_noticed(database_url: str) -> None:
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE schema_migrations SET checksum = 'other' WHERE version = 22")
    with pytest.raises(SchemaMismatch, match="022_remove_emg_signals_storage"):
        migrate.status(database_url)


def test_a_newer_database_is_refused(database_url: str) -> None:
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (999, 'later', 'x')")
    with pytest.raises(SchemaMismatch, match="ahead"):
        migrate.upgrade(database_url)


def test_every_table_view_and_column_has_a_comment(database_url: str) -> None:
    migrate.upgrade(database_url)
    uncommented = """
        SELECT relation.relname, attname
        FROM pg_class AS relation
        JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm', 'p')
          AND (col_description(relation.oid, attnum) IS NULL OR obj_description(relation.oid) IS NULL)
    """
    assert query(database_url, uncommented) == []


def test_columns_that_have_a_unit_in_their_name_tell_it(database_url: str) -> None:
    migrate.upgrade(database_url)
    columns = query(
        database_url,
        "SELECT attrelid::regclass::text, attname, col_description(attrelid, attnum) FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace"
        " AND attnum > 0 AND relkind IN ('r', 'v')",
    )
    units = {"volts": "volt", "hz": "hertz", "ms": "milliseconds", "s": "seconds", "percent": ("percent", "0 to 100")}
    untold = [
        (table, name)
        for table, name, comment in columns
        for word in units.keys() & set(name.split("_")[1:])
        if not any(unit in comment for unit in ([units[word]] if isinstance(units[word], str) else units[word]))
    ]
    assert untold == []


def test_the_module_upgrades_from_the_command_line(database_url: str) -> None:
    command = [sys.executable, "-m", "emg_session.migrate", "--upgrade"]
    done = subprocess.run(command, env={"EMG_DATABASE_URL": database_url}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "applied 021_sessions_and_results.sql"


def test_a_malformed_address_does_not_show_its_password() -> None:
    command = [sys.executable, "-m", "emg_session.migrate", "--status"]
    env = {"EMG_DATABASE_URL": "postgresql://emg:s3cr3t%zz@db/emg"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("emg: EMG_DATABASE_URL is no address of a PostgreSQL")
    assert "s3cr3t" not in done.stderr


def test_a_migration_that_can_not_be_applied_says_what_the_server_objects_to(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE VIEW therapy_sessions AS SELECT 1 AS id")
    with pytest.raises(MigrationFailed, match="WrongObjectType"):
        migrate.upgrade(database_url)


async def test_an_upgrade_beside_programs_that_store_loses_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs of the release before go on until they are replaced: they wait for the upgrade, and go on storing."""
    data = synthetic_recording(tmp_path, seconds=12).read_bytes()
    every = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: [m for m in every if m.version <= 34])
    migrate.upgrade(database_url)
    monkeypatch.undo()
    async with open_summaries(database_url, answer_seconds=120) as summaries:
        writing, stored = True, 0

        async def write(writer: int) -> None:
            nonlocal stored
            number = 0
            while writing:
                await store(summaries, f"{writer}-{number}", data)
                number, stored = number + 1, stored + 1

        writers = [asyncio.create_task(write(writer)) for writer in range(8)]
        await until(lambda: stored >= 8, "every writer has stored")
        upgraded = await asyncio.to_thread(migrate.upgrade, database_url)
        at_upgrade = stored
        await until(lambda: stored >= at_upgrade + 8, "they go on")
        writing = False
        await asyncio.gather(*writers)
    assert [migration.version for migration in upgraded] == [m.version for m in every if m.version > 34]
    for table in ("therapy_sessions", "analysis_results", "session_personal_data", "provenance"):
        assert query(database_url, f"SELECT count(*) FROM {table}") == [(stored,)], table


async def store(summaries: SummaryStore, name: str, data: bytes) -> None:
    """Store a session of bytes of its own."""
    recording = RecordingRef(uri=f"s3://recordings/P001/{name}.c3d", version="1")
    spec = SessionSpec(recording=recording, subject="P001", profile="ghostly-2")
    result = analyse(data, WorkerContract(session_name=f"emg-{name}", spec=spec))
    file_hash = hashlib.sha256(name.encode()).hexdigest()
    await summaries.save_result(f"emg-{name}", spec, replace(result, file_hash=file_hash))
