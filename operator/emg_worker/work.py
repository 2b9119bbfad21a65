"""The worker's work: fetch the recording, analyse it, store the summary. Doing it twice changes nothing."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import emg_core

from emg_session.contract import WorkerContract
from emg_session.core_errors import core_errors
from emg_session.database import AnalysisResult, SummaryStore
from emg_session.errors import DatabaseUnavailable
from emg_session.recordings import RecordingStore
from emg_worker.cross_check import Comparison, sentence

_PAUSES_S = (0.5, 2.0)


@dataclass(frozen=True)
class Worker:
    """One session's work, with the stores it needs, and a second reader where one is to be asked.

    `say` is told how far it has come.
    """

    contract: WorkerContract
    recordings: RecordingStore
    summaries: SummaryStore
    second_reader: Callable[[bytes], Comparison] | None = None
    say: Callable[[str], None] = lambda _: None

    async def run(self) -> str:
        """Do the work and return a sentence about it; raises a Failure."""
        await self.summaries.check_schema()
        reference = self.contract.recording
        self.say(f"reading a recording of {reference.size_bytes or 'unknown'} bytes")
        stored = await self.recordings.read(reference.uri, reference.version)
        self.say(f"analysing {len(stored.data)} bytes")
        result = analyse(stored.data, self.contract)
        self.say(f"storing {len(result.summary_json)} bytes of summary")
        await self._save(result)
        said = f"summary of {len(result.summary_json)} bytes stored"
        if self.second_reader is None:
            return said
        return f"{said}; {sentence(await asyncio.to_thread(self.second_reader, stored.data))}"

    async def _save(self, result: AnalysisResult) -> None:
        """Store, and again where the database was away for a moment: cheaper than to analyse once more."""
        for pause_s in _PAUSES_S:
            try:
                return await self.summaries.save_result(self.contract.session_name, self.contract.spec, result)
            except DatabaseUnavailable:
                await asyncio.sleep(pause_s)
        return await self.summaries.save_result(self.contract.session_name, self.contract.spec, result)


def analyse(data: bytes, contract: WorkerContract) -> AnalysisResult:
    """Compute what is stored; raises a PermanentFailure for bytes or options that can't be analysed."""
    file_hash = hashlib.sha256(data).hexdigest()
    with core_errors():
        recording = emg_core.open(data, sha256=file_hash)
        summary = recording.analyze_json(profile=contract.spec.profile, options=contract.core_options())
    return AnalysisResult(
        file_hash=file_hash,
        parameters=contract.parameters(),
        recording=recording.metadata,
        summary_json=summary,
        personal=recording.personal,
    )
