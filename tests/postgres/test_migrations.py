import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from emg_session import migrate
from emg_session.errors import MigrationFailed, SchemaMismatch

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


def test_the_earlier_systems_rows_survive_without_their_time_series(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(EARLIER_SYSTEM)
    migrate.upgrade(database_url)
    rows = query(database_url, "SELECT processing_version, optimization_applied FROM analysis_results ORDER BY 1")
    assert rows == [("1.0", False), ("1.0-2", False), ("1.0-3", False)]
    assert ("analysis_results", "emg_signals") not in [row[:2] for row in schema(database_url)]
    assert query(database_url, "SELECT patient_id FROM therapy_sessions") == [("one",)]


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
