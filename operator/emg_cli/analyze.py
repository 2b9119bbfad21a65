"""`emg analyze`: the same code as the Job, without a database."""

import asyncio
from typing import Literal

import msgspec
from rich.console import Console

from emg_cli.opening import open_recording
from emg_cli.output import print_bytes
from emg_local.tables import print_summary
from emg_session.contract import WorkerContract
from emg_session.resource import DEFAULT_PROFILE, RecordingRef, SessionSpec
from emg_worker.work import analyse


def analyze(source: str, *, profile: str = DEFAULT_PROFILE, format: Literal["json", "table"] = "json") -> None:  # noqa: A002 - the option's name
    """Print a recording's summary, as JSON or as a table.

    Parameters
    ----------
    source
        A C3D file, or a URI in a bucket of EMG_BUCKETS.
    profile
        One of `emg profiles`.
    format
        json: byte for byte what a Job stores; table: for people.
    """
    recording = open_recording(source)
    stored = asyncio.run(recording.read())
    spec = SessionSpec(recording=RecordingRef(uri=recording.uri, version=stored.version), profile=profile)
    result = analyse(stored.data, WorkerContract(session_name="", spec=spec))
    if format == "json":
        print_bytes(result.summary_json)
    else:
        print_summary(msgspec.json.decode(result.summary_json), Console())
