import json
from dataclasses import dataclass
from pathlib import Path

import emg_core
import obstore
import pytest
from obstore.store import LocalStore

from emg_session.contract import ExitCode, WorkerContract
from emg_session.database import AnalysisResult
from emg_session.errors import (
    BadAnalysisRequest,
    CorruptRecording,
    DatabaseUnavailable,
    Failure,
    NotC3d,
    PermanentFailure,
    RecordingErased,
    RecordingTooShort,
    SchemaMismatch,
    SummaryRefused,
    UnknownBucket,
)
from emg_session.recordings import Buckets, RecordingStore, plain_version
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker import work
from emg_worker.cross_check import Comparison, Finding, Verdict
from emg_worker.exit_codes import exit_code
from emg_worker.work import Worker, analyse
from tests.support.memory import MemorySummaries
from tests.support.recordings import synthetic_recording


def contract(profile: str = "ghostly-2", version: str = "1", **options: int) -> WorkerContract:
    recording = RecordingRef(uri="file:///nowhere/a.c3d", version=version)
    return WorkerContract(
        session_name="emg-a", spec=SessionSpec(recording=recording, profile=profile, options=dict(options))
    )


def test_the_result_is_the_core_s_own_summary(tmp_path: Path) -> None:
    data = synthetic_recording(tmp_path).read_bytes()
    result = analyse(data, contract())
    assert result.summary_json == emg_core.open(data).analyze_json(profile="ghostly-2")
    assert result.parameters == {"profile": "ghostly-2", "options": {}}


def test_personal_data_is_beside_the_summary_not_in_it(tmp_path: Path) -> None:
    result = analyse(synthetic_recording(tmp_path).read_bytes(), contract())
    assert result.personal["player_name"]
    assert result.personal["player_name"].encode() not in result.summary_json


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"", CorruptRecording, ExitCode.CORRUPT),
        (b"GIF89a" + bytes(4096), NotC3d, ExitCode.NOT_C3D),
        (bytes([2, 0x50]) + bytes(100), CorruptRecording, ExitCode.CORRUPT),
    ],
)
def test_bytes_that_are_no_recording_are_told_apart(data: bytes, kind: type[PermanentFailure], code: ExitCode) -> None:
    with pytest.raises(kind) as caught:
        analyse(data, contract())
    assert exit_code(caught.value) is code


def test_a_file_cut_off_in_its_samples_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(RecordingTooShort):
        analyse(synthetic_recording(tmp_path).read_bytes()[:4096], contract())


def test_an_unknown_profile_or_option_is_refused(tmp_path: Path) -> None:
    data = synthetic_recording(tmp_path).read_bytes()
    with pytest.raises(BadAnalysisRequest, match="nonsense"):
        analyse(data, contract(profile="nonsense"))
    with pytest.raises(BadAnalysisRequest, match="no_such_option"):
        analyse(data, contract(noSuchOption=1))


async def test_the_worker_stores_what_it_computed_under_its_session(tmp_path: Path) -> None:
    path = synthetic_recording(tmp_path)
    store = RecordingStore(Buckets({"recordings": f"file://{tmp_path}"}))
    version = (await store.read(f"file://{path}")).version
    spec = SessionSpec(recording=RecordingRef(uri=f"file://{path}", version=version), profile="ghostly-2")
    summaries = MemorySummaries()
    sentence = await Worker(WorkerContract(session_name="emg-a", spec=spec), store, summaries).run()
    assert await summaries.load_summary("emg-a", spec.recording, {"profile": "ghostly-2", "options": {}})
    assert sentence.startswith("summary of ")


async def test_a_second_readers_difference_is_said_beside_the_summary(tmp_path: Path) -> None:
    path = synthetic_recording(tmp_path)
    store = RecordingStore(Buckets({"recordings": f"file://{tmp_path}"}))
    version = (await store.read(f"file://{path}")).version
    spec = SessionSpec(recording=RecordingRef(uri=f"file://{path}", version=version), profile="ghostly-2")
    different = Comparison(verdict=Verdict.DIFFERENT, findings=(Finding(what="channel 1 differs"),))
    summaries = MemorySummaries()
    contract = WorkerContract(session_name="emg-a", spec=spec)
    said = await Worker(contract, store, summaries, lambda _: different).run()
    stored = await summaries.load_summary("emg-a", contract.spec.recording, contract.parameters())
    assert said.endswith(" bytes stored; channel 1 differs: no known reason")
    assert stored == json.loads(emg_core.open(path).analyze_json(profile="ghostly-2"))


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (SchemaMismatch("older"), ExitCode.DATABASE_UNAVAILABLE),
        (UnknownBucket("elsewhere"), ExitCode.INTERNAL_ERROR),
        (SummaryRefused("a rule"), ExitCode.INTERNAL_ERROR),
    ],
)
def test_what_is_wrong_with_the_installation_is_not_blamed_on_the_recording(failure: Failure, code: ExitCode) -> None:
    assert exit_code(failure) is code
    assert not code.about_the_recording


async def test_on_another_schema_nothing_is_read_or_stored() -> None:
    summaries = MemorySummaries(schema=22)
    with pytest.raises(SchemaMismatch):
        await Worker(contract(), RecordingStore(Buckets({})), summaries).run()
    assert summaries.rows == {}


@dataclass
class Unreliable(MemorySummaries):
    """Is away as often as `failures` says when something is to be stored."""

    failures: int = 0

    async def save_result(self, name: str, spec: SessionSpec, result: AnalysisResult) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise DatabaseUnavailable("the database does not answer")
        await super().save_result(name, spec, result)


@pytest.mark.parametrize("failures", [1, 2])
async def test_what_was_computed_is_stored_where_the_database_was_away_for_a_moment(
    tmp_path: Path, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_PAUSES_S", (0.0, 0.0))
    await Worker(*stored_recording(tmp_path), summaries := Unreliable(failures=failures)).run()
    assert list(summaries.rows) == ["emg-a"]


async def test_a_database_that_stays_away_ends_the_worker_with_21(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_PAUSES_S", (0.0, 0.0))
    with pytest.raises(DatabaseUnavailable) as caught:
        await Worker(*stored_recording(tmp_path), Unreliable(failures=9)).run()
    assert exit_code(caught.value) is ExitCode.DATABASE_UNAVAILABLE


async def test_what_was_erased_meanwhile_is_not_stored(tmp_path: Path) -> None:
    contract, recordings = stored_recording(tmp_path)
    summaries = MemorySummaries(erased_subjects={None})
    with pytest.raises(RecordingErased) as caught:
        await Worker(contract, recordings, summaries).run()
    assert (summaries.rows, exit_code(caught.value)) == ({}, ExitCode.ERASED)


def stored_recording(folder: Path) -> tuple[WorkerContract, RecordingStore]:
    path = synthetic_recording(folder)
    version = plain_version(obstore.head(LocalStore(folder), path.name)["e_tag"])
    spec = SessionSpec(recording=RecordingRef(uri=path.as_uri(), version=version), profile="ghostly-2")
    store = RecordingStore(Buckets({"recordings": folder.as_uri()}))
    return WorkerContract(session_name="emg-a", spec=spec), store
