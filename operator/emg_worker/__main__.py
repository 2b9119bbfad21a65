"""The program inside the Job: `python -m emg_worker`. Its exit code and last words are a contract with the operator."""

import asyncio
import os
import signal
import sys
from types import FrameType

from emg_session.contract import ExitCode, TerminationMessage, WorkerContract
from emg_session.database import open_summaries
from emg_session.errors import Failure, place_of
from emg_session.logs import log_as_json
from emg_session.recordings import RecordingStore
from emg_session.spans import opened_spans
from emg_worker.cross_check import cross_check
from emg_worker.exit_codes import exit_code
from emg_worker.settings import WorkerSettings, termination_log
from emg_worker.tracing import under_way
from emg_worker.work import Worker


async def work() -> str:
    """Do the work the environment describes, as a part of its notice's trace."""
    contract = WorkerContract.from_env(os.environ)
    settings = WorkerSettings.from_env(os.environ)
    with opened_spans(os.environ, "emg-worker") as spans, under_way(contract, spans):
        return await analyse(contract, settings)


async def analyse(contract: WorkerContract, settings: WorkerSettings) -> str:
    """Analyse the recording and store what came of it; returns a sentence."""
    async with open_summaries(settings.database_url, most_connections=1) as summaries:
        second_reader = cross_check if settings.cross_check else None
        return await Worker(contract, RecordingStore(settings.buckets), summaries, second_reader).run()


def attempt() -> TerminationMessage:
    """Work, and say how it ended."""
    try:
        return TerminationMessage(exit_code=ExitCode.STORED, message=asyncio.run(work()))
    except Failure as failure:
        return TerminationMessage(exit_code=exit_code(failure), message=str(failure))
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes an exit code
        return TerminationMessage(exit_code=ExitCode.INTERNAL_ERROR, message=f"a bug: {place_of(error)}")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


def main() -> None:
    """Run as the Job's process; as process 1, it would ignore SIGTERM without a handler."""
    signal.signal(signal.SIGTERM, _stop)
    log_as_json()
    last_words = attempt()
    sys.stderr.write(f"emg_worker: {last_words.message}\n")
    termination_log(os.environ).write_bytes(last_words.to_bytes())
    # Nothing is left to do: skipping the interpreter's tear-down saves 60 to 90 ms of every Job.
    sys.stderr.flush()
    os._exit(last_words.exit_code)


if __name__ == "__main__":
    main()
