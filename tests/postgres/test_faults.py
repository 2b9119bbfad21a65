"""The database under load and in trouble: nothing half-written, and whoever can't go on says so."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import psycopg
import pytest

from emg_local.postgres import Postgres, server_user
from emg_session import migrate
from emg_session.contract import ExitCode, TerminationMessage, WorkerContract
from emg_session.database import AnalysisResult, open_summaries
from emg_session.errors import DatabaseUnavailable
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import Worker, analyse
from tests.support.needs import require
from tests.support.postgres import folder_for_servers, programs
from tests.support.recordings import synthetic_recording
from tests.support.s3 import free_port
from tests.support.waiting import until

WORKERS, KILLS = 64, 60

# A session that names its recording's hash was stored in one piece with its result and its personal data.
_HALF_WRITTEN = """
SELECT session_code FROM therapy_sessions AS session
WHERE file_hash IS NOT NULL
  AND NOT (EXISTS (SELECT FROM analysis_results AS result WHERE result.file_hash = session.file_hash
                   AND result.parameters = session.parameters AND result.analytics_summary IS NOT NULL)
           AND EXISTS (SELECT FROM session_personal_data AS personal WHERE personal.session_id = session.id))
"""
_STORED = "SELECT count(*) FROM therapy_sessions WHERE file_hash IS NOT NULL"
_KILL_ONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AnalysisResult:
    data = synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes()
    return analyse(data, WorkerContract(session_name="emg-0", spec=spec(0)))


def spec(number: int) -> SessionSpec:
    recording = RecordingRef(uri=f"s3://recordings/P001/{number}.c3d", version="1")
    return SessionSpec(recording=recording, subject="P001", profile="ghostly-2")


def of_recording(result: AnalysisResult, number: int) -> AnalysisResult:
    """Return the result as that of other bytes, so that each session has one of its own."""
    return replace(result, file_hash=f"{number:064x}")


async def work(url: str, number: int, result: AnalysisResult, done: Callable[[], object] = lambda: None) -> int:
    """Store as a Job's pod does, with a pool of its own, and as another pod after each one that failed."""
    for failures in range(100):
        try:
            async with open_summaries(url, most_connections=1) as summaries:
                await summaries.save_result(f"emg-{number}", spec(number), of_recording(result, number))
        except DatabaseUnavailable:
            await asyncio.sleep(random.uniform(0, 0.2))
        else:
            done()
            return failures
    pytest.fail(f"worker {number} never came through")


def query(url: str, sql: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


async def test_64_workers_that_store_at_once_all_come_through(database_url: str, result: AnalysisResult) -> None:
    """They are more than the server has places for (60): those who find none wait for one."""
    migrate.upgrade(database_url)
    await asyncio.gather(*(work(database_url, number, result) for number in range(WORKERS)))
    assert query(database_url, _STORED) == [(WORKERS,)]
    assert query(database_url, _HALF_WRITTEN) == []


async def test_connections_killed_in_the_middle_leave_nothing_half_written(
    database_url: str, result: AnalysisResult
) -> None:
    migrate.upgrade(database_url)
    stored: list[int] = []
    async with killing(database_url) as kills:
        workers = (work(database_url, number, result, lambda: stored.append(1)) for number in range(WORKERS))
        failures = await asyncio.gather(*workers)
    assert query(database_url, _STORED) == [(WORKERS,)]
    assert query(database_url, _HALF_WRITTEN) == []
    assert len(kills) > 0, "nothing was killed"
    assert sum(failures) > 0, "no worker noticed"


@asynccontextmanager
async def killing(url: str) -> AsyncIterator[list[int]]:
    """End connections at random while the block runs, and look each time whether all that is there is whole."""
    kills: list[int] = []

    async def kill() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while len(kills) < KILLS:
                kills.extend(row[0] for row in await (await connection.execute(_KILL_ONE)).fetchall())
                assert await (await connection.execute(_HALF_WRITTEN)).fetchall() == []
                await asyncio.sleep(0.02)
            await asyncio.Event().wait()

    killer = asyncio.create_task(kill())
    yield kills
    killer.cancel()
    (ended,) = await asyncio.gather(killer, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended


@contextmanager
def server_on(folder: Path, version: str = "18", port: int = 0) -> Iterator[Postgres]:
    """Yield a server that really writes to its disk before it says so."""
    with Postgres(programs=programs(version), data=folder / "data", port=port or free_port("127.0.0.1")) as server:
        yield server


async def test_a_restart_of_the_server_loses_nothing_that_was_said_to_be_stored(result: AnalysisResult) -> None:
    with folder_for_servers() as folder:
        with server_on(folder) as server:
            migrate.upgrade(server.url)
            url, port = server.url, server.port
            said: list[int] = []
            workers = [
                asyncio.create_task(work(url, number, result, lambda: said.append(1))) for number in range(WORKERS)
            ]
            await until(lambda: len(said) > 0, "the first have stored")
        said_before = len(said)
        with server_on(folder, port=port):
            assert query(url, _STORED)[0][0] >= said_before
            await asyncio.gather(*workers)
            assert query(url, _STORED) == [(WORKERS,)]
            assert query(url, _HALF_WRITTEN) == []


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 64 MB."""
    require(os.geteuid() == 0, "a small file system takes root")
    with folder_for_servers() as folder:
        disk = folder / "disk"
        disk.mkdir()
        owner = server_user()
        options = f"size=64m,mode=0755,uid={owner.pw_uid if owner else 0}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
        try:
            yield disk
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def larger_disk(small_disk: Path) -> Path:
    """One that has room for a whole server, and not much more."""
    subprocess.run(["mount", "-o", "remount,size=160m", small_disk], check=True)
    return small_disk


@pytest.fixture
def on_small_disk(small_disk: Path, postgres_server: Postgres) -> Iterator[str]:
    """A database whose tables lie on the small file system."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'".encode())
        connection.execute(b"CREATE DATABASE small TABLESPACE small")
        yield f"{postgres_server.url.rpartition('/')[0]}/small"
        connection.execute(b"DROP DATABASE small WITH (FORCE)")
        connection.execute(b"DROP TABLESPACE small")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill a file system to its last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            pass
    yield
    ballast.unlink()


async def store_until_full(url: str, result: AnalysisResult) -> tuple[int, DatabaseUnavailable]:
    """Store until there is no room; return how many were stored, and what the next one was told."""
    async with open_summaries(url, most_connections=1, answer_seconds=60) as summaries:
        for number in range(10_000):
            try:
                await summaries.save_result(f"emg-{number}", spec(number), of_recording(result, number))
            except DatabaseUnavailable as failure:
                return number, failure
    pytest.fail("the disk never was full")


async def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    on_small_disk: str, small_disk: Path, result: AnalysisResult
) -> None:
    migrate.upgrade(on_small_disk)
    with filled(small_disk):
        stored, failure = await store_until_full(on_small_disk, result)
        assert isinstance(failure.__cause__, psycopg.errors.DiskFull)
        assert str(failure) == "the database has no room left: give its disk more"
        assert query(on_small_disk, _STORED) == [(stored,)]
        assert query(on_small_disk, _HALF_WRITTEN) == []
    await work(on_small_disk, stored, result)
    assert query(on_small_disk, _STORED) == [(stored + 1,)]


async def worker_process(env: dict[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "emg_worker", env=env)
    return await asyncio.wait_for(process.wait(), 600)


async def test_a_worker_that_finds_a_full_disk_ends_with_21_and_a_sentence(
    on_small_disk: str, small_disk: Path, result: AnalysisResult, tmp_path: Path
) -> None:
    migrate.upgrade(on_small_disk)
    path = synthetic_recording(tmp_path)
    store = RecordingStore(Buckets({"here": tmp_path.as_uri()}))
    uri = f"{tmp_path.as_uri()}/{path.name}"
    recording = RecordingRef(uri=uri, version=(await store.read(uri)).version)
    contract = WorkerContract(session_name="emg-x", spec=SessionSpec(recording=recording, profile="ghostly-2"))
    env = contract.to_env() | {
        "EMG_DATABASE_URL": on_small_disk,
        "EMG_BUCKETS": msgspec.json.encode({"here": tmp_path.as_uri()}).decode(),
        "EMG_TERMINATION_LOG": str(tmp_path / "last-words"),
    }
    with filled(small_disk):
        await store_until_full(on_small_disk, result)
        code = await worker_process(env)
    words = TerminationMessage.from_text((tmp_path / "last-words").read_text())
    assert code == ExitCode.DATABASE_UNAVAILABLE
    assert words is not None
    assert words.message == "the database has no room left: give its disk more"
    assert await worker_process(env) == 0


async def test_a_server_whose_whole_disk_was_full_goes_on_once_there_is_room(
    larger_disk: Path, result: AnalysisResult
) -> None:
    """Without room for its log the server stops by itself: what it said was stored is there all the same."""
    with server_on(larger_disk) as server:
        migrate.upgrade(server.url)
        url, port = server.url, server.port
        with filled(larger_disk):
            stored, _ = await store_until_full(url, result)
    with server_on(larger_disk, port=port):
        assert query(url, _STORED)[0][0] >= stored
        assert query(url, _HALF_WRITTEN) == []
        await work(url, stored, result)


async def test_a_worker_stores_again_by_itself_where_its_connection_was_ended(
    database_url: str, tmp_path: Path
) -> None:
    """The operator need not make another attempt for what takes a second."""
    migrate.upgrade(database_url)
    path = synthetic_recording(tmp_path)
    recordings = RecordingStore(Buckets({"here": tmp_path.as_uri()}))
    uri = f"{tmp_path.as_uri()}/{path.name}"
    recording = RecordingRef(uri=uri, version=(await recordings.read(uri)).version)
    contract = WorkerContract(session_name="emg-x", spec=SessionSpec(recording=recording, profile="ghostly-2"))
    async with open_summaries(database_url, most_connections=1, answer_seconds=60) as summaries:
        with psycopg.connect(database_url) as other:
            # The worker's statement waits for this lock, and is ended there.
            other.execute(b"LOCK TABLE session_personal_data")
            worker = asyncio.create_task(Worker(contract, recordings, summaries).run())
            await until(lambda: _waits(database_url), "the worker waits for the table")
            query(database_url, _KILL_ONE.replace("pid <> pg_backend_pid()", "wait_event_type = 'Lock'"))
        assert (await worker).startswith("summary of")
    assert query(database_url, _HALF_WRITTEN) == []
    assert query(database_url, _STORED) == [(1,)]


def _waits(url: str) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(query(url, waiting))
