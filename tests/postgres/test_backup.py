"""Backup and restore as docs tell it: the server's roles, then the database, onto a server that has neither."""

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore
from emg_session.erasure import Erasure, Erasures
from emg_session.errors import RecordingErased
from emg_session.pool import open_database
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.postgres import fresh_database, login, programs, running_server, versions
from tests.support.recordings import synthetic_recording

KEPT = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P002/one.c3d", version="1"), subject="P002", profile="ghostly-2"
)
ERASED = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P001/one.c3d", version="1"), subject="P001", profile="ghostly-2"
)


async def fill(url: str, data: bytes) -> None:
    async with open_database(url, answer_seconds=120) as database:
        summaries, erasures = SummaryStore(database), Erasures(database)
        for name, spec in (("emg-kept", KEPT), ("emg-erased", ERASED)):
            await summaries.save_result(name, spec, analyse(data, WorkerContract(session_name=name, spec=spec)))
        erasure = Erasure(subject="P001", centre="", reason="consent withdrawn")
        await erasures.bury(erasure)
        await erasures.erase(erasure, None, datetime.now(UTC))


def run(version: str, program: str, *arguments: object) -> bytes:
    command = [programs(version) / program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=600).stdout


@pytest.fixture(scope="module", params=versions(), ids=lambda version: f"postgresql{version}")
def restored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Yield the addresses of a database and of what was restored from its backup on another server."""
    version, folder = request.param, tmp_path_factory.mktemp("backup")
    data = synthetic_recording(folder).read_bytes()
    with running_server(version) as old, running_server(version) as new, fresh_database(old) as url:
        migrate.upgrade(url)
        asyncio.run(fill(url, data))
        back_up(version, url, folder)
        yield url, restore(version, folder, new)


def back_up(version: str, url: str, folder: Path) -> None:
    roles = run(version, "pg_dumpall", "--roles-only", "--no-role-passwords", f"--dbname={url}").decode()
    ours = [line for line in roles.splitlines() if " emg_" in line]
    (folder / "roles.sql").write_text("\n".join(ours))
    run(version, "pg_dump", "--format=custom", f"--file={folder / 'emg.dump'}", url)


def restore(version: str, folder: Path, server: Postgres) -> str:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute((folder / "roles.sql").read_bytes())
        connection.execute("CREATE DATABASE restored")
    url = urlsplit(server.url)._replace(path="/restored").geturl()
    run(version, "pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={url}", folder / "emg.dump")
    return url


def rows(url: str) -> dict[str, list[tuple]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        return {
            t: connection.execute(f"SELECT t::text FROM {t} AS t ORDER BY 1".encode()).fetchall() for (t,) in tables
        }


def test_every_row_of_every_table_is_there_again(restored: tuple[str, str]) -> None:
    before, after = map(rows, restored)
    assert after == before
    assert all(before[table] for table in ("therapy_sessions", "audit_log", "tombstones", "tombstone_key"))


def test_the_programs_take_it_for_their_schema(restored: tuple[str, str]) -> None:
    assert all(step.applied for step in migrate.status(restored[1]))
    assert migrate.upgrade(restored[1]) == []


async def test_what_was_erased_is_refused_after_the_restore_too(restored: tuple[str, str]) -> None:
    async with open_database(restored[1], answer_seconds=120) as database:
        with pytest.raises(RecordingErased):
            await SummaryStore(database).save_received("emg-erased", ERASED, None)


@pytest.mark.parametrize("statement", ["SELECT player_name FROM session_personal_data", "DELETE FROM therapy_sessions"])
def test_the_rights_are_there_again(restored: tuple[str, str], statement: str) -> None:
    with login(restored[1], "emg_api") as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT session_code FROM therapy_sessions").fetchall() == [("emg-kept",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_audit_log_is_still_only_added_to(restored: tuple[str, str]) -> None:
    with psycopg.connect(restored[1]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM audit_log")
