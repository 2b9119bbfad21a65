import asyncio
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from emg_session import migrate
from emg_session.connections import connection_options
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore, open_summaries
from emg_session.errors import DatabaseUnavailable, InvalidSettings, SchemaMismatch, SummaryRefused
from emg_session.resource import RecordingRef, SessionSpec, session_id
from emg_worker.work import analyse
from tests.support.memory import MemorySummaries
from tests.support.postgres import fresh_database, running_server
from tests.support.recordings import synthetic_recording

Summaries = SummaryStore | MemorySummaries

RECORDING = RecordingRef(uri="s3://recordings/P001/one.c3d", version="9b2c", size_bytes=1234)
SPEC = SessionSpec(recording=RECORDING, subject="P001", profile="ghostly-2")
CONTRACT = WorkerContract(session_name="emg-a", spec=SPEC)


@pytest.fixture
async def summaries(database_url: str) -> AsyncIterator[SummaryStore]:
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as store:  # busy machines are no failure
        yield store


@pytest.fixture(params=["stored", "in memory"])
def either(request: pytest.FixtureRequest, summaries: SummaryStore) -> Summaries:
    """Both keep the same contract: the one in memory stands in for the real one in other suites."""
    return MemorySummaries() if request.param == "in memory" else summaries


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes()


@pytest.fixture(scope="module")
def result(data: bytes) -> AnalysisResult:
    return analyse(data, CONTRACT)


def rows(url: str, table: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT {table}::text FROM {table} ORDER BY 1").fetchall()


async def test_what_is_saved_is_loaded(either: Summaries, result: AnalysisResult) -> None:
    await either.save_result("emg-a", SPEC, result)
    summary = await either.load_summary("emg-a", RECORDING, CONTRACT.parameters())
    assert summary is not None
    assert summary["recording"]["sha256"] == result.file_hash


async def test_the_same_result_twice_is_one_row_with_the_same_bytes(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", SPEC, result)
    before = rows(database_url, "analysis_results"), rows(database_url, "therapy_sessions")
    await summaries.save_result("emg-a", SPEC, result)
    assert (rows(database_url, "analysis_results"), rows(database_url, "therapy_sessions")) == before
    assert len(before[0]) == 1


async def test_the_same_bytes_in_two_sessions_share_one_result(either: Summaries, result: AnalysisResult) -> None:
    other = replace(SPEC, recording=RecordingRef(uri="s3://recordings/P001/copy.c3d", version="9b2c"))
    await either.save_result("emg-a", SPEC, result)
    await either.save_result("emg-b", other, result)
    parameters = CONTRACT.parameters()
    of_other = await either.load_summary("emg-b", other.recording, parameters)
    assert await either.load_summary("emg-a", RECORDING, parameters) == of_other
    assert of_other is not None


async def test_workers_that_store_at_once_leave_one_row(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    for number in range(25):  # they meet in one of some twenty tries
        name = f"emg-{number}"
        await asyncio.gather(*(summaries.save_result(name, SPEC, result) for _ in range(8)))
    assert len(rows(database_url, "therapy_sessions")) == 25
    assert len(rows(database_url, "analysis_results")) == 1


async def test_other_parameters_find_no_summary(either: Summaries, result: AnalysisResult) -> None:
    await either.save_result("emg-a", SPEC, result)
    assert await either.load_summary("emg-a", RECORDING, {"profile": "other", "options": {}}) is None


async def test_a_session_shows_the_result_of_its_own_parameters(
    either: Summaries, result: AnalysisResult, data: bytes
) -> None:
    stricter = replace(SPEC, options={"contractionDurationThresholdMs": 9000})
    await either.save_result("emg-a", SPEC, result)
    await either.save_result("emg-b", stricter, analyse(data, WorkerContract(session_name="emg-b", spec=stricter)))
    shown = [await either.find_session(name) for name in ("emg-a", "emg-b")]
    options = [s.analytics_summary["profile"]["options"] for s in shown if s and s.analytics_summary]
    assert [o["contraction_duration_threshold_ms"] for o in options] == [2000, 9000]


async def test_a_session_not_analysed_with_its_parameters_has_no_summary(
    either: Summaries, result: AnalysisResult
) -> None:
    await either.save_result("emg-a", SPEC, result)
    await either.save_received("emg-b", replace(SPEC, profile="other"), None)
    found = await either.find_session("emg-b")
    assert found is not None
    assert found.analytics_summary is None


async def test_erasing_a_session_leaves_the_result_to_the_other_that_shares_it(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", SPEC, result)
    await summaries.save_result("emg-b", SPEC, result)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM therapy_sessions WHERE session_code = 'emg-a'")
    assert await summaries.load_summary("emg-b", RECORDING, CONTRACT.parameters()) is not None


async def test_the_subject_is_the_sessions_not_guessed_from_a_folder(either: Summaries) -> None:
    await either.save_received("emg-a", replace(SPEC, subject=None), None)
    found = await either.find_session("emg-a")
    assert found is not None
    assert found.subject is None


async def test_a_received_session_is_found_by_name_and_by_id(either: Summaries) -> None:
    await either.save_received("emg-a", SPEC, {"frames": 10})
    by_name = await either.find_session("emg-a")
    by_id = await either.find_session(str(session_id("emg-a")))
    assert by_name == by_id
    assert by_name is not None
    assert (by_name.subject, by_name.game_metadata, by_name.analytics_summary) == ("P001", {"frames": 10}, None)


async def test_a_notice_that_comes_after_the_result_takes_nothing_away(
    either: Summaries, result: AnalysisResult
) -> None:
    await either.save_result("emg-a", SPEC, result)
    await either.save_received("emg-a", SPEC, None)
    found = await either.find_session("emg-a")
    assert found is not None
    assert found.analytics_summary is not None


async def test_sessions_are_listed_newest_first(either: Summaries) -> None:
    for name in ("emg-a", "emg-b", "emg-c"):
        await either.save_received(name, SPEC, None)
    assert [s.session_code for s in await either.list_sessions(2)] == ["emg-c", "emg-b"]


async def test_personal_data_is_in_its_own_table_only(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", SPEC, result)
    name = result.personal["player_name"]
    assert name in str(rows(database_url, "session_personal_data"))
    assert name not in str(rows(database_url, "analysis_results") + rows(database_url, "therapy_sessions"))


async def test_the_view_and_the_saving_are_there_for_people_who_write_sql(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    await summaries.save_result("emg-a", SPEC, result)
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


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"file_hash": "ab" * 40}, "StringDataRightTruncation"),
        ({"summary_json": b'{"x": [%s0]}' % (b"0, " * 5000)}, "analysis_results_no_time_series"),
    ],
)
async def test_what_the_database_refuses_is_told_by_the_rule_it_broke(
    summaries: SummaryStore, result: AnalysisResult, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SummaryRefused, match=sentence):
        await summaries.save_result("emg-a", SPEC, dataclasses.replace(result, **changed))


async def test_a_database_without_our_tables_is_another_schema(database_url: str) -> None:
    async with open_summaries(database_url) as store:
        with pytest.raises(SchemaMismatch):
            await store.find_session("emg-a")


async def test_a_server_that_falls_silent_is_given_up_on() -> None:
    with running_server() as server, fresh_database(server) as url:
        migrate.upgrade(url)
        async with open_summaries(url, most_connections=1, answer_seconds=5) as store:
            await store.check_schema()
            with stopped_backends(server.url), pytest.raises(DatabaseUnavailable):
                await store.load_summary("emg-a", RECORDING, CONTRACT.parameters())


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(database_url: str) -> None:
    options = connection_options(database_url, statement_seconds=0.01)
    with psycopg.connect(**options) as connection, pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(60)")


async def test_a_malformed_address_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidSettings) as caught:
        async with open_summaries("postgresql://emg:s3cr3t%zz@db/emg"):
            pass
    assert "s3cr3t" not in f"{caught.value}"
    assert caught.value.__suppress_context__


@contextmanager
def stopped_backends(url: str) -> Iterator[None]:
    """Stop the processes that serve the other connections: the network stays up, answers stay away."""
    with psycopg.connect(url) as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        backends = [pid for (pid,) in connection.execute(others)]
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in backends:
        os.kill(pid, signal.SIGCONT)


async def test_a_name_that_belongs_to_another_recording_is_refused_and_tells_nothing(
    either: Summaries, result: AnalysisResult
) -> None:
    await either.save_result("emg-a", SPEC, result)
    other = replace(SPEC, recording=replace(RECORDING, version="another"))
    assert await either.load_summary("emg-a", other.recording, CONTRACT.parameters()) is None
    with pytest.raises(SummaryRefused, match="belongs to another recording"):
        await either.save_received("emg-a", other, None)
    with pytest.raises(SummaryRefused, match="belongs to another recording"):
        await either.save_result("emg-a", other, result)


async def test_what_was_received_long_ago_and_never_analysed_is_made_again_by_the_sweep(
    summaries: SummaryStore, result: AnalysisResult, database_url: str
) -> None:
    for name in ("emg-old", "emg-analysed", "emg-new"):
        await summaries.save_received(name, SPEC, None)
    await summaries.save_result("emg-analysed", SPEC, result)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE therapy_sessions SET created_at = now() - interval '2 days' WHERE session_code <> 'emg-new'"
        )
    specs = dict.fromkeys(["emg-old", "emg-analysed", "emg-new", "emg-unknown"], SPEC)
    assert await summaries.known_sessions(specs) == {"emg-analysed", "emg-new"}


def analysed(data: bytes, name: str, profile: str, **options: int) -> tuple[str, SessionSpec, AnalysisResult]:
    spec = replace(SPEC, profile=profile, options=options)
    return name, spec, analyse(data, WorkerContract(session_name=name, spec=spec))


async def test_results_of_one_recording_are_told_apart_by_profile_and_digest(either: Summaries, data: bytes) -> None:
    await either.save_result(*analysed(data, "emg-a", "ghostly-2"))
    await either.save_result(*analysed(data, "emg-b", "standard-1"))
    await either.save_result(*analysed(data, "emg-c", "standard-1", highPassHz=30))

    own, *others = await either.list_results("emg-a")
    assert [(one.profile, one.own) for one in (own, *others)] == [
        ("ghostly-2", True),
        ("standard-1", False),
        ("standard-1", False),
    ]
    for one in others:
        by_digest = await either.load_result("emg-a", one.digest)
        assert by_digest is not None
        assert by_digest["profile"]["digest"] == one.digest
    of_b = await either.load_result("emg-b", "standard-1")
    assert of_b is not None
    assert of_b["profile"]["options"]["high_pass_hz"] == 20  # its own, although another is newer
    assert await either.load_result("emg-a", "standard-9") is None


@pytest.mark.parametrize("subjects", [("P001", "P002"), (None, None)])
async def test_results_of_another_subject_s_session_with_the_same_bytes_are_not_shown(
    either: Summaries, data: bytes, subjects: tuple[str | None, str | None]
) -> None:
    name, spec, result = analysed(data, "emg-a", "ghostly-2")
    await either.save_result(name, replace(spec, subject=subjects[0]), result)
    name, spec, result = analysed(data, "emg-b", "standard-1")
    await either.save_result(name, replace(spec, subject=subjects[1]), result)
    for code, own, others in (("emg-a", "ghostly-2", "standard-1"), ("emg-b", "standard-1", "ghostly-2")):
        assert [one.profile for one in await either.list_results(code)] == [own]
        assert await either.load_result(code, own) is not None
        assert await either.load_result(code, others) is None


async def test_a_result_that_a_session_had_before_stays_among_its_results(either: Summaries, data: bytes) -> None:
    await either.save_result(*analysed(data, "emg-a", "ghostly-2"))
    await either.save_result(*analysed(data, "emg-a", "standard-1"))
    assert [one.profile for one in await either.list_results("emg-a")] == ["standard-1", "ghostly-2"]


async def test_results_of_another_centre_s_session_with_the_same_bytes_are_not_shown(
    summaries: SummaryStore, data: bytes, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO centre_places (uri_prefix, centre) VALUES ('s3://elsewhere/', 'leiden')")
    await summaries.save_result(*analysed(data, "emg-a", "ghostly-2"))
    name, spec, result = analysed(data, "emg-b", "standard-1")
    elsewhere = replace(RECORDING, uri="s3://elsewhere/P001/one.c3d")
    await summaries.save_result(name, replace(spec, recording=elsewhere), result)
    assert [one.profile for one in await summaries.list_results("emg-a")] == ["ghostly-2"]
    assert await summaries.load_result("emg-b", "ghostly-2") is None


async def test_another_recording_s_results_are_not_among_a_session_s(either: Summaries, data: bytes) -> None:
    await either.save_result(*analysed(data, "emg-a", "ghostly-2"))
    await either.save_received("emg-b", SPEC, None)
    assert await either.list_results("emg-b") == []
    assert await either.load_result("emg-b", "ghostly-2") is None
