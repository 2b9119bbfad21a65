"""Many recordings at once: each is read and analysed in a thread, as the core does not hold the interpreter."""

import asyncio
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from emg_cli.asked import Asked
from emg_cli.exit_codes import exit_code
from emg_cli.opening import open_recording
from emg_session.errors import Failure
from emg_session.resource import RecordingRef, is_recording
from emg_worker.work import analyse

# So many recordings are in memory at a time, whatever number there is.
_AT_ONCE = 2 * (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """What came of one recording: its summary as JSON, or why there is none."""

    source: str
    summary_json: bytes | None = None
    failure: Failure | None = None

    @property
    def summary(self) -> dict[str, Any] | None:
        """The summary."""
        return None if self.summary_json is None else msgspec.json.decode(self.summary_json)

    def told(self) -> dict[str, Any]:
        """Return it as the line of a stream."""
        if self.failure is not None:
            return {"source": self.source, "failure": str(self.failure), "exit_code": int(exit_code(self.failure))}
        return {"source": self.source, "summary": msgspec.Raw(self.summary_json or b"null")}


def recordings_in(sources: Sequence[str]) -> list[str]:
    """Return the recordings named, each once; of a folder all C3D files in it and below, by name."""
    found: dict[str, None] = {}
    for source in sources:
        folder = Path(source)
        if "://" not in source and folder.is_dir():
            found |= dict.fromkeys(str(path) for path in sorted(folder.rglob("*")) if is_recording(path.name))
        else:
            found[source] = None
    return list(found)


def analyse_one(source: str, asked: Asked) -> bytes:
    """Return a recording's summary; raises a Failure."""
    return read_and_analyse(source, asked)[1]


def read_and_analyse(source: str, asked: Asked) -> tuple[bytes, bytes]:
    """Return a recording's bytes and its summary; raises a Failure."""
    recording = open_recording(source)
    stored = asyncio.run(recording.read())
    contract = asked.contract(RecordingRef(uri=recording.uri, version=stored.version))
    return stored.data, analyse(stored.data, contract).summary_json


def analyse_all(sources: Sequence[str], asked: Asked) -> Iterator[Analysed]:
    """Yield what came of each recording, in their order, as soon as it is there."""
    waiting: deque[Future[Analysed]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source in sources:
            waiting.append(pool.submit(_tried, source, asked))
            if len(waiting) >= _AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _tried(source: str, asked: Asked) -> Analysed:
    try:
        return Analysed(source=source, summary_json=analyse_one(source, asked))
    except Failure as failure:
        return Analysed(source=source, failure=failure)
