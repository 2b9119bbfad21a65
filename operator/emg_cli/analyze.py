"""`emg analyze`: the same code as the Job, without a database; one recording, or folders of them."""

import sys
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.progress import track

from emg_cli.asked import Asked, Repeated
from emg_cli.batch import Analysed, analyse_all, analyse_one, recordings_in
from emg_cli.batch_tables import batch_table, require_writable, write_table
from emg_cli.exit_codes import exit_code
from emg_cli.output import print_bytes
from emg_local.tables import print_summary
from emg_session.errors import InvalidSettings
from emg_session.resource import DEFAULT_PROFILE


def analyze(
    *sources: str,
    profile: str = DEFAULT_PROFILE,
    option: Repeated = (),
    mvc: Repeated = (),
    format: Literal["json", "table"] = "json",  # noqa: A002 - the option's name
    out: Path | None = None,
) -> int:
    """Print summaries of recordings, as JSON or as a table: of one, or of many at once.

    Of one recording the JSON is byte for byte what a Job stores; of several a line for each, `{"source", "summary"}`
    or `{"source", "failure", "exit_code"}`. Ends with the exit code of the first that failed, after all others.

    Parameters
    ----------
    sources
        C3D files, URIs in a bucket of EMG_BUCKETS, or folders whose C3D files are meant.
    profile
        One of `emg profiles`.
    option
        NAME=VALUE instead of the profile's, such as high_pass_hz=30; may be repeated.
    mvc
        MUSCLE=VOLTS, a maximum voluntary contraction measured apart, such as CH1=0.00015; may be repeated.
    format
        json, or table: for people.
    out
        Also write a row for each muscle of each recording to this file: .parquet, .csv or .arrow.
    """
    recordings = recordings_in(sources)
    if not recordings:
        raise InvalidSettings("no recording was named: give C3D files, URIs or folders that hold some")
    if out is not None:
        require_writable(out)
    asked = Asked.parse(profile, option, mvc)
    if len(recordings) == 1 and out is None:
        _print_one(analyse_one(recordings[0], asked), format)
        return 0
    return _analyze_all(recordings, asked, format, out)


def _print_one(summary_json: bytes, format: str) -> None:  # noqa: A002 - as above
    if format == "json":
        print_bytes(summary_json)
    else:
        print_summary(msgspec.json.decode(summary_json), Console())


def _analyze_all(recordings: list[str], asked: Asked, format: str, out: Path | None) -> int:  # noqa: A002 - as above
    every = list[Analysed]()
    console = Console(stderr=True)
    running = analyse_all(recordings, asked)
    for one in track(running, "analysing", len(recordings), console=console, disable=not console.is_terminal):
        every.append(one)
        if format == "json":
            print_bytes(msgspec.json.encode(one.told()))
        elif one.failure:
            sys.stderr.write(f"{one.source}: {one.failure}\n")
    if format == "table":
        Console().print(batch_table(every))
    if out is not None:
        write_table(every, out)
    return next((exit_code(one.failure) for one in every if one.failure), 0)
