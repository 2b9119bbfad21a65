"""Versions of results: one for each recording, profile digest and core version, of which the newest is current."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import msgspec
import psycopg
import pytest

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore, open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.recordings import synthetic_recording

RECORDING = RecordingRef(uri="s3://recordings/P001/one.c3d", version="9b2c", size_bytes=1234)
SPEC = SessionSpec(recording=RECORDING, subject="P001", profile="ghostly-2")
CONTRACT = WorkerContract(session_name="emg-a", spec=SPEC)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AnalysisResult:
    return analyse(synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes(), CONTRACT)


@pytest.fixture
async def summaries(database_url: str) -> AsyncIterator[SummaryStore]:
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as store:
        yield store


def of_version(result: AnalysisResult, core: str, digest: str = "d1") -> AnalysisResult:
    """Return the result as another core, or another state of the profile, would have computed it."""
    summary = msgspec.json.decode(result.summary_json)
    summary["provenance"]["core_version"], summary["profile"]["digest"] = core, digest
    return dataclasses.replace(result, summary_json=msgspec.json.encode(summary))


def versions(url: str) -> list[tuple[str, str, bool]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT profile_digest, core_version, is_current FROM analysis_versions ORDER BY computed_at, 3"
        ).fetchall()


async def test_every_version_is_kept_and_the_newest_is_current(summaries, result, database_url: str) -> None:
    for core, digest in (("1.0", "d1"), ("1.1", "d1"), ("1.1", "d2")):
        await summaries.save_result("emg-a", SPEC, of_version(result, core, digest))
    assert versions(database_url) == [("d1", "1.0", False), ("d1", "1.1", False), ("d2", "1.1", True)]
    shown = await summaries.load_summary("emg-a", RECORDING, CONTRACT.parameters())
    assert shown is not None
    assert shown["profile"]["digest"] == "d2"


async def test_the_same_version_computed_again_is_the_same_row(summaries, result, database_url: str) -> None:
    for _ in range(3):
        await summaries.save_result("emg-a", SPEC, of_version(result, "1.0"))
    assert versions(database_url) == [("d1", "1.0", True)]


async def test_an_older_version_computed_again_is_current_again_and_there_once(
    summaries, result, database_url: str
) -> None:
    for core in ("1.0", "1.1", "1.0"):
        await summaries.save_result("emg-a", SPEC, of_version(result, core))
    assert versions(database_url) == [("d1", "1.1", False), ("d1", "1.0", True)]


async def test_other_parameters_are_results_of_their_own(summaries, result, database_url: str) -> None:
    stricter = dataclasses.replace(result, parameters={"profile": "ghostly-2", "options": {"x": 1}})
    for stored in (result, stricter):
        await summaries.save_result("emg-a", SPEC, stored)
    assert [is_current for *_, is_current in versions(database_url)] == [True, True]


async def test_versions_stored_at_once_are_each_there_once(summaries, result, database_url: str) -> None:
    """Two cores during a roll-out: whoever comes last is current, none is lost and none is there twice."""
    cores = ["1.0", "1.1", "1.2"]
    for _ in range(5):
        await asyncio.gather(*(summaries.save_result("emg-a", SPEC, of_version(result, core)) for core in cores * 3))
    found = versions(database_url)
    assert sorted(core for _, core, _ in found) == cores
    assert [is_current for *_, is_current in found].count(True) == 1
