"""The program inside the Job: `python -m emg_worker`. Its exit code and last words are a contract with the operator."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from emg_session.contract import ExitCode, WorkerContract
from emg_session.database import open_summaries
from emg_session.errors import Failure, place_of
from emg_session.logs import log_as_json
from emg_session.recordings import RecordingStore
from emg_session.spans import opened_spans
from emg_worker.cross_check import cross_check
from emg_worker.exit_codes import exit_code
from emg_worker.last_words import LastWords
from emg_worker.settings import WorkerSettings, termination_log
from emg_worker.tracing import under_way
from emg_worker.work import Worker


async def work(say: Callable[[str], None]) -> str:
    """Do the work the environment describes, as a part of its notice's trace."""
    contract = WorkerContract.from_env(os.environ)
    settings = WorkerSettings.from_env(os.environ)
    with opened_spans(os.environ, "emg-worker") as spans, under_way(contract, spans):
        return await analyse(contract, settings, say)


async def analyse(contract: WorkerContract, settings: WorkerSettings, say: Callable[[str], None]) -> str:
    """Analyse the recording and store what came of it; returns a sentence."""
    async with open_summaries(settings.database_url, most_connections=1) as summaries:
        second_reader = cross_check if settings.cross_check else None
        return await Worker(contract, RecordingStore(settings.buckets), summaries, second_reader, say).run()


def attempt(say: Callable[[str], None]) -> tuple[int, str]:
    """Work, and return the exit code with a sentence on how it ended."""
    try:
        return ExitCode.STORED, asyncio.run(work(say))
    except Failure as failure:
        return exit_code(failure), str(failure)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - the one place where a bug, be it a panic in the core, becomes a code
        return ExitCode.INTERNAL_ERROR, f"a bug: {place_of(error)}"


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


def main() -> None:
    """Run as the Job's process; as process 1, it would ignore SIGTERM without a handler."""
    signal.signal(signal.SIGTERM, _stop)
    log_as_json()
    last_words = LastWords(termination_log(os.environ))
    code, message = attempt(last_words.say)
    last_words.end(code, message)
    # Nothing is left to do: skipping the interpreter's tear-down saves 60 to 90 ms of every Job.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
