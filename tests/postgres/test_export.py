"""`emg export` writes the views as they are, in files others can read."""

import asyncio
import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from arro3.core import ChunkedArray
from arro3.io import read_parquet
from psycopg.rows import dict_row

from emg_cli.arrow_stream import arrow_reader
from emg_cli.columns import Column
from emg_cli.export import View
from emg_local.postgres import Postgres
from emg_local.synth import synthesize, write_recording
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.postgres import fresh_database

VIEWS = {view.value: view.relation for view in View}


@pytest.fixture(scope="module")
def url(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a database with a session of each of two subjects, with faults."""
    path = tmp_path_factory.mktemp("recordings") / "faulty.c3d"
    write_recording(synthesize(seed=3, seconds=40, contractions=6, faults=True), path)
    with fresh_database(postgres_server) as url:
        migrate.upgrade(url)
        asyncio.run(store_two(url, path.read_bytes()))
        yield url


async def store_two(url: str, data: bytes) -> None:
    async with open_summaries(url, answer_seconds=120) as store:
        for subject in ("P001", "P002"):
            recording = RecordingRef(uri=f"s3://recordings/{subject}/a.c3d", version="1", size_bytes=len(data))
            spec = SessionSpec(recording=recording, subject=subject, profile="standard-1")
            name = f"emg-{subject.lower()}"
            await store.save_result(name, spec, analyse(data, WorkerContract(session_name=name, spec=spec)))


def emg(url: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-c", "from emg_cli.app import main; main()", "export", *arguments]
    return subprocess.run(command, env={"EMG_DATABASE_URL": url}, capture_output=True, check=False)


def stored(url: str, view: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(f"SELECT * FROM {VIEWS[view]}".encode()).fetchall()


def plain(column: ChunkedArray) -> list[Any]:
    return [value if value is None else value.as_py() for value in column]


@pytest.mark.parametrize("view", VIEWS)
async def test_a_parquet_file_holds_the_view_and_its_comments(url: str, view: str, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    done = emg(url, view, "--format", "parquet", "--out", str(out))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    table, rows = read_parquet(str(out)).read_all(), stored(url, view)
    assert table.num_rows == len(rows) > 0
    told = [dict(zip(table.column_names, row, strict=True)) for row in zip(*map(plain, table.columns), strict=True)]
    expected = [row | {name: str(row[name]) for name in ("session_id",) if name in row} for row in rows]
    assert sorted(told, key=str) == sorted(expected, key=str)
    assert all(field.metadata[b"comment"] for field in table.schema)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".c3d") == ["out.parquet"]


@pytest.mark.parametrize("view", VIEWS)
async def test_csv_goes_to_stdout_and_nothing_else_anywhere(url: str, view: str) -> None:
    done = emg(url, view)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert (done.returncode, done.stderr) == (0, b"")
    assert [row["subject"] for row in rows] == [row["subject"] for row in stored(url, view)]
    assert list(rows[0]) == list(stored(url, view)[0])


async def test_one_subject_can_be_asked_for(url: str) -> None:
    rows = list(csv.DictReader(io.StringIO(emg(url, "contractions", "--subject", "P002").stdout.decode())))
    assert {row["subject"] for row in rows} == {"P002"}


async def test_a_name_that_a_spreadsheet_would_compute_is_made_harmless(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE muscles SET muscle = '=HYPERLINK(\"http://x\")'")
    rows = list(csv.DictReader(io.StringIO(emg(url, "contractions").stdout.decode())))
    assert {row["muscle"] for row in rows} == {'\'=HYPERLINK("http://x")'}


async def test_a_file_that_can_not_be_finished_is_not_there(database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = emg(database_url, "sessions", "--out", str(out))
    assert (done.returncode, done.stdout) == (21, b"")
    assert done.stderr.startswith(b"emg: the database lacks a table or column of ours")
    assert list(tmp_path.iterdir()) == []


def test_rows_are_fetched_as_they_are_read() -> None:
    made = []

    def batches():
        for number in range(3):
            made.append(number)
            yield [(number,)] * 10

    reader = arrow_reader([Column("n", "int4", "a number")], batches())
    assert made == []
    assert reader.read_next_batch().num_rows == 10
    assert made == [0]
    assert sum(batch.num_rows for batch in reader) == 20


def test_every_flat_view_can_be_exported(url: str) -> None:
    with psycopg.connect(url) as connection:
        views = connection.execute("SELECT viewname FROM pg_views WHERE viewname LIKE 'bi\\_%'").fetchall()
    assert {name for (name,) in views} == set(VIEWS.values())
