import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore, open_summaries
from emg_session.errors import DatabaseUnavailable, SchemaMismatch
from emg_session.resource import RecordingRef, SessionSpec, session_id
from emg_worker.work import analyse
from tests.support.memory import MemorySummaries
from tests.support.recordings import synthetic_recording

Summaries = SummaryStore | MemorySummaries

RECORDING = RecordingRef(uri="s3://recordings/P001/one.c3d", version="9b2c", size_bytes=1234)
CONTRACT = WorkerContract(session_name="emg-a", spec=SessionSpec(recording=RECORDING, profile="ghostly-2"))


@pytest.fixture
async def summaries(database_url: str) -> AsyncIterator[SummaryStore]:
    migrate.upgrade(database_url)
    async with open_summaries(database_url) as store:
        yield store


@pytest.fixture(params=["stored", "in memory"])
def either(request: pytest.FixtureRequest, summaries: SummaryStore) -> Summaries:
    """Both keep the same contract: the one in memory stands in for the real one in other suites."""
    return MemorySummaries() if request.param == "in memory" else summaries


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AnalysisResult:
    return analyse(synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes(), CONTRACT)


def rows(url: str, table: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT {table}::text FROM {table} ORDER BY 1").fetchall()


async def test_what_is_saved_is_loaded(either: Summaries, result: AnalysisResult) -> None:
    await either.save_result("emg-a", RECORDING, result)
    summary = await either.load_summary("emg-a", CONTRACT.parameters())
    assert summary is not None
    assert summary["recording"]["sha256"] == result.file_hash


async def test_the_same_result_twice_is_one_row_with_the_same_bytes(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", RECORDING, result)
    before = rows(database_url, "analysis_results"), rows(database_url, "therapy_sessions")
    await summaries.save_result("emg-a", RECORDING, result)
    assert (rows(database_url, "analysis_results"), rows(database_url, "therapy_sessions")) == before
    assert len(before[0]) == 1


async def test_the_same_bytes_in_two_sessions_share_one_result(either: Summaries, result: AnalysisResult) -> None:
    other = RecordingRef(uri="s3://recordings/P001/copy.c3d", version="9b2c")
    await either.save_result("emg-a", RECORDING, result)
    await either.save_result("emg-b", other, result)
    parameters = CONTRACT.parameters()
    assert await either.load_summary("emg-a", parameters) == await either.load_summary("emg-b", parameters)


async def test_workers_that_store_at_once_leave_one_row(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await asyncio.gather(*(summaries.save_result("emg-a", RECORDING, result) for _ in range(8)))
    assert len(rows(database_url, "analysis_results")) == 1


async def test_other_parameters_find_no_summary(either: Summaries, result: AnalysisResult) -> None:
    await either.save_result("emg-a", RECORDING, result)
    assert await either.load_summary("emg-a", {"profile": "other", "options": {}}) is None


async def test_a_received_session_is_found_by_name_and_by_id(either: Summaries) -> None:
    await either.save_received("emg-a", RECORDING, {"frames": 10})
    by_name = await either.find_session("emg-a")
    by_id = await either.find_session(str(session_id("emg-a")))
    assert by_name == by_id
    assert by_name is not None
    assert (by_name.subject, by_name.game_metadata, by_name.analytics_summary) == ("P001", {"frames": 10}, None)


async def test_a_notice_that_comes_after_the_result_takes_nothing_away(
    either: Summaries, result: AnalysisResult
) -> None:
    await either.save_result("emg-a", RECORDING, result)
    await either.save_received("emg-a", RECORDING, None)
    found = await either.find_session("emg-a")
    assert found is not None
    assert found.analytics_summary is not None


async def test_sessions_are_listed_newest_first(either: Summaries) -> None:
    for name in ("emg-a", "emg-b", "emg-c"):
        await either.save_received(name, RECORDING, None)
    assert [s.session_code for s in await either.list_sessions(2)] == ["emg-c", "emg-b"]


async def test_personal_data_is_in_its_own_table_only(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", RECORDING, result)
    name = result.personal["player_name"]
    assert name in str(rows(database_url, "session_personal_data"))
    assert name not in str(rows(database_url, "analysis_results") + rows(database_url, "therapy_sessions"))


async def test_the_view_and_the_saving_are_there_for_people_who_write_sql(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", RECORDING, result)
    with psycopg.connect(database_url) as connection:
        shown = connection.execute("SELECT session_code, profile FROM analysis_summary_optimized").fetchall()
        saved = connection.execute("SELECT results, reduction_percent FROM calculate_storage_reduction()").fetchone()
    assert shown == [("emg-a", "ghostly-2")]
    assert saved is not None
    assert (saved[0], saved[1] > 99) == (1, True)


async def test_another_schema_version_is_refused(database_url: str) -> None:
    async with open_summaries(database_url) as store:
        with pytest.raises(SchemaMismatch, match="migrate --upgrade"):
            await store.check_schema()


async def test_a_server_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    async with open_summaries(f"postgresql://nobody@/none?host={tmp_path}&port=1") as store:
        with pytest.raises(DatabaseUnavailable):
            await store.find_session("emg-a")
