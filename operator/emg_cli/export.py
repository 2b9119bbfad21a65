"""`emg export`."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from emg_cli.columns import columns_of
from emg_local.embedded import data_folder
from emg_local.place import Place
from emg_local.postgres import running_url
from emg_session.connections import connection_options, database_url
from emg_session.errors import InvalidSettings
from emg_session.pool import database_errors

_ROWS_A_BATCH = 10_000
# A spreadsheet takes a cell that begins so for a formula, and names come from whoever made the recording.
_HARMLESS = sql.SQL("CASE WHEN {name}::text ~ '^[=+@\\t\\r\\n-]' THEN '''' || {name} ELSE {name} END AS {name}")
_TEXTS = ("text", "varchar")


class View(StrEnum):
    """What can be exported."""

    SESSIONS = "sessions"
    CONTRACTIONS = "contractions"
    SUBJECT_WEEKS = "subject-weeks"
    RECORDINGS = "recordings"
    PROVENANCE = "provenance"
    SCORES = "scores"
    CHANNELS = "channels"
    MUSCLES = "muscles"
    WINDOWS = "windows"
    FAULTS = "faults"

    @property
    def relation(self) -> str:
        """Its name in the database."""
        return f"bi_{self.value.replace('-', '_')}"


class Format(StrEnum):
    """How it is written."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    view: View,
    *,
    format: Format = Format.CSV,  # noqa: A002 - the option's name
    out: Path | None = None,
    subject: str | None = None,
    data: Path | None = None,
) -> None:
    """Write what is stored as a table, however many rows there are. None has personal data.

    Parameters
    ----------
    view
        sessions (a row each, with what matters of all others), contractions, subject-weeks (per subject and week of its
        programme), recordings, provenance, scores (a row per session), channels, muscles, windows (statistics of each
        metric), faults.
    format
        csv or parquet; a Parquet file tells the unit of each column.
    out
        The file to write; without it the table goes to stdout.
    subject
        Only this subject's rows.
    data
        The folder of a running `emg run`; else EMG_DATABASE_URL says where the database is.
    """
    url = running_url(data_folder(Place(data.resolve()).folder)) if data else database_url(os.environ)
    if out is None and format is Format.PARQUET and sys.stdout.isatty():
        raise InvalidSettings("a Parquet file is nothing for a terminal: name one with --out")
    with _written(out) as file, database_errors(), psycopg.connect(**connection_options(url)) as connection:
        write = _write_csv if format is Format.CSV else _write_parquet
        with _progress(view) as advance:
            write(connection, view, subject, file, advance)


@contextmanager
def _written(out: Path | None) -> Iterator[BinaryIO]:
    """Yield where to write; a file appears whole or not at all."""
    if out is None:
        yield sys.stdout.buffer
        return
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)


class _Advance:
    """Tells how many rows there are so far, where somebody looks."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def __call__(self, rows: int) -> None:
        self._progress.advance(self._task, rows)


@contextmanager
def _progress(view: View) -> Iterator[_Advance]:
    console = Console(stderr=True)
    columns = TextColumn(f"{view}: {{task.completed:.0f}} rows"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Advance(progress)


def _query(view: View, columns: Sequence[sql.Composable], subject: str | None) -> sql.Composed:
    wanted = sql.SQL("" if subject is None else " WHERE subject = {}").format(subject)
    return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(columns), sql.Identifier(view.relation), wanted)


def _write_csv(
    connection: psycopg.Connection[Any], view: View, subject: str | None, file: BinaryIO, advance: _Advance
) -> None:
    names = [
        (_HARMLESS.format(name=sql.Identifier(c.name)) if c.type in _TEXTS else sql.Identifier(c.name))
        for c in columns_of(connection, view.relation)
    ]
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(_query(view, names, subject))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            file.write(block)
            advance(bytes(block).count(b"\n"))


def _write_parquet(
    connection: psycopg.Connection[Any], view: View, subject: str | None, file: BinaryIO, advance: _Advance
) -> None:
    from arro3.io import write_parquet  # noqa: PLC0415 - 35 MB that CSV does without

    from emg_cli.arrow_stream import arrow_reader  # noqa: PLC0415 - the same

    columns = columns_of(connection, view.relation)
    query = _query(view, [sql.Identifier(column.name) for column in columns], subject)
    with connection.cursor(name="export") as cursor:
        cursor.execute(query)
        write_parquet(arrow_reader(columns, _batches(cursor, advance)), file, compression="zstd(3)")


def _batches(cursor: psycopg.ServerCursor[Any], advance: _Advance) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(_ROWS_A_BATCH):
        yield rows
        advance(len(rows))
