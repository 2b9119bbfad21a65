"""The example notebook: run as a test, and written with its pictures by `make notebook`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import uvloop
from nbclient import NotebookClient
from nbformat import NotebookNode

from emg_local.synth import synthesize, write_recording
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.resource import RecordingRef, build_spec
from emg_worker.work import analyse
from tests.support.postgres import fresh_database, running_server

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first-look.ipynb"
_SECONDS_A_CELL = 300


def executed() -> NotebookNode:
    """Return the notebook with what its cells print and draw; raises CellExecutionError."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with TemporaryDirectory() as folder, database_of_one_session(Path(folder)) as url:
        client = NotebookClient(
            notebook,
            timeout=_SECONDS_A_CELL,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=environment(url))
    return notebook


@contextmanager
def database_of_one_session(folder: Path) -> Iterator[str]:
    """Yield the address of a database that knows the recording the notebook opens."""
    path = folder / "first.c3d"
    write_recording(synthesize(seed=7, seconds=60, faults=True), path)
    with running_server() as server, fresh_database(server) as url:
        migrate.upgrade(url)
        uvloop.run(_store(url, path))
        yield url


async def _store(url: str, path: Path) -> None:
    spec = build_spec(RecordingRef(uri="s3://recordings/P001/first.c3d", version="1"), "P001/first.c3d")
    contract = WorkerContract(session_name="emg-first", spec=spec)
    async with open_summaries(url, answer_seconds=120) as summaries:
        await summaries.save_result(contract.session_name, spec, analyse(path.read_bytes(), contract))


def environment(url: str) -> dict[str, str]:
    """Return what the kernel sees: pictures drawn without a screen."""
    return os.environ | {"EMG_DATABASE_URL": url, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
