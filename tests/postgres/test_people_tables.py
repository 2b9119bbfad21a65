"""The tables and views for people who write SQL say what the stored documents say."""

from collections.abc import AsyncIterator
from typing import Any

import emg_core
import psycopg
import pytest
from psycopg.rows import dict_row

from emg_local.synth import synthesize, write_recording
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore, open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.recordings import synthetic_recording

PROFILES = ("ghostly-2", "standard-1")


def spec(name: str, profile: str) -> SessionSpec:
    recording = RecordingRef(uri=f"s3://recordings/P001/{name}.c3d", version="1", size_bytes=1)
    return SessionSpec(recording=recording, subject="P001", profile=profile)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes()


@pytest.fixture(scope="module")
def data_with_a_dead_channel(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recording = synthesize(seed=1, seconds=20, contractions=4)
    recording.channels["CH1 Raw"][:] = 0
    path = tmp_path_factory.mktemp("recordings") / "dead.c3d"
    write_recording(recording, path)
    return path.read_bytes()


def analysed(data: bytes, name: str, profile: str) -> AnalysisResult:
    return analyse(data, WorkerContract(session_name=name, spec=spec(name, profile)))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SummaryStore]:
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as summaries:
        yield summaries


def query(url: str, sql: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(sql).fetchall()


def told_in(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what the tables have to hold, in the document's words."""
    muscles = list(enumerate(summary["muscles"], 1))
    return {
        "channels": [{"channel_number": n} | c for n, c in enumerate(summary["channels"], 1)],
        "faults": [{"fault": n} | fault for n, fault in enumerate(summary["faults"], 1)],
        "contractions": [
            {"muscle_number": number, "contraction": n} | contraction
            for number, muscle in muscles
            for n, contraction in enumerate(muscle["contractions"], 1)
        ],
        "window_statistics": [
            {"muscle_number": number, "metric": metric} | spread
            for number, muscle in muscles
            for metric, spread in muscle["windows"].items()
        ],
    }


@pytest.mark.parametrize("profile", PROFILES)
async def test_the_tables_hold_every_row_and_number_of_the_document(
    store: SummaryStore, data: bytes, database_url: str, profile: str
) -> None:
    await store.save_result("emg-a", spec("a", profile), analysed(data, "emg-a", profile))
    summary = emg_core.open(data).analyze(profile=profile)
    renamed = {"name": "channel", "n": "windows"}
    for table, expected in told_in(summary).items():
        rows = query(database_url, f"SELECT * FROM {table} ORDER BY 2, 3")
        kept = [{renamed.get(k, k): v for k, v in row.items() if renamed.get(k, k) in rows[0]} for row in expected]
        kept = [row | {"reasons": [r["reason"] for r in row["reasons"]]} if "reasons" in row else row for row in kept]
        kept.sort(key=lambda row: [row.get(name) for name in list(rows[0])[1:3]] if rows else [])
        assert [{name: row[name] for name in told} for row, told in zip(rows, kept, strict=True)] == kept, table
    assert query(database_url, "SELECT count(*) FROM contractions")[0]["count"] > 0


@pytest.mark.parametrize("profile", PROFILES)
async def test_the_tables_hold_every_metric_of_each_muscle(
    store: SummaryStore, data: bytes, database_url: str, profile: str
) -> None:
    await store.save_result("emg-a", spec("a", profile), analysed(data, "emg-a", profile))
    summary = emg_core.open(data).analyze(profile=profile)
    rows = query(database_url, "SELECT * FROM muscles ORDER BY muscle_number")
    for row, muscle in zip(rows, summary["muscles"], strict=True):
        parts = {**muscle["amplitude"], **muscle["spectrum"], **summary["scores"]["muscles"][muscle["name"]]}
        assert {name: row[name] for name in parts} == parts
        found, reference = muscle["contraction_summary"], muscle["reference"]
        assert row["threshold_volts"] == reference["threshold_volts"]
        assert row["contractions"] == found["count"] == len(muscle["contractions"])
        durations = [name for name in found if name.endswith(("_ms", "_volts"))]
        assert {name: row[name] for name in durations} == {name: found[name] for name in durations}
    (scores,) = query(database_url, "SELECT * FROM scores")
    kept = ("overall", "compliance", "symmetry", "effort", "game")
    assert [scores[name] for name in kept] == [summary["scores"][name] for name in kept]


async def test_a_document_that_changes_changes_the_tables(store: SummaryStore, data: bytes, database_url: str) -> None:
    await store.save_result("emg-a", spec("a", "standard-1"), analysed(data, "emg-a", "standard-1"))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE analysis_results"
            " SET analytics_summary = jsonb_set(analytics_summary, '{muscles,0,contractions}', '[]')"
        )
    assert query(database_url, "SELECT count(*) FROM contractions WHERE muscle_number = 1") == [{"count": 0}]
    assert query(database_url, "SELECT count(*) FROM provenance") == [{"count": 1}]


async def test_what_the_bytes_say_of_a_recording_replaces_what_was_said_before(
    store: SummaryStore, data: bytes, database_url: str
) -> None:
    await store.save_result("emg-a", spec("a", "standard-1"), analysed(data, "emg-a", "standard-1"))
    truth = query(database_url, "SELECT * FROM recordings")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE recordings SET sample_rate_hz = 1000, recorded_at = NULL")
    await store.save_result("emg-b", spec("b", "ghostly-2"), analysed(data, "emg-b", "ghostly-2"))
    assert query(database_url, "SELECT * FROM recordings") == truth


async def test_what_is_erased_is_gone_from_every_table(store: SummaryStore, data: bytes, database_url: str) -> None:
    for profile in PROFILES:
        await store.save_result(f"emg-{profile}", spec(profile, profile), analysed(data, f"emg-{profile}", profile))
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM analysis_results WHERE parameters ->> 'profile' = 'ghostly-2'")
        assert connection.execute("SELECT count(*) FROM recordings").fetchone() == (1,)
        connection.execute("DELETE FROM analysis_results")
    for table in ("recordings", "provenance", "scores", "channels", "muscles", "contractions", "faults"):
        assert query(database_url, f"SELECT * FROM {table}") == [], table


async def test_muscles_of_one_name_are_kept_apart(store: SummaryStore, data: bytes, database_url: str) -> None:
    await store.save_result("emg-a", spec("a", "standard-1"), analysed(data, "emg-a", "standard-1"))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE analysis_results SET analytics_summary ="
            " jsonb_set(analytics_summary, '{muscles,1,name}', analytics_summary #> '{muscles,0,name}')"
        )
    assert len({row["muscle"] for row in query(database_url, "SELECT muscle FROM muscles")}) == 1
    assert query(database_url, "SELECT count(*) FROM muscles") == [{"count": 2}]


@pytest.mark.parametrize("told", ["2026-02-31T10:00", "0000-01-01T10:00", "nonsense"])
async def test_a_day_that_no_calendar_has_is_null(
    store: SummaryStore, data: bytes, database_url: str, told: str
) -> None:
    result = analysed(data, "emg-a", "standard-1")
    await store.save_result("emg-a", spec("a", "standard-1"), result)
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM analysis_results; DELETE FROM analysis_results")
        connection.execute(
            "INSERT INTO analysis_results SELECT (jsonb_populate_record(kept, jsonb_build_object('analytics_summary',"
            " jsonb_set(analytics_summary, '{recording,game,recorded_at}', to_jsonb(%s::text))))).* FROM kept",
            [told],
        )
    assert query(database_url, "SELECT recorded_at FROM recordings") == [{"recorded_at": None}]


async def test_a_session_has_one_flat_row_analysed_or_not(store: SummaryStore, data: bytes, database_url: str) -> None:
    await store.save_received("emg-waiting", spec("b", "standard-1"), None)
    await store.save_result("emg-a", spec("a", "standard-1"), analysed(data, "emg-a", "standard-1"))
    summary = emg_core.open(data).analyze()
    done, waiting = query(database_url, "SELECT * FROM bi_sessions ORDER BY session_code")
    assert done["contractions"] == sum(len(muscle["contractions"]) for muscle in summary["muscles"])
    assert done["overall"] == summary["scores"]["overall"]
    assert (waiting["analyzed_at"], waiting["contractions"], waiting["quality"]) == (None, None, None)
    assert len(query(database_url, "SELECT * FROM bi_contractions")) == done["contractions"]


async def sessions_on_days(store: SummaryStore, data: bytes, url: str, days: list[int]) -> None:
    """Store a session for each day from 2026-01-05 on, all of P001, each of other bytes."""
    result = analysed(data, "emg-0", "standard-1")
    await store.save_result("emg-0", spec("0", "standard-1"), result)
    with psycopg.connect(url) as connection:
        for number, day in enumerate(days):
            values = {"code": f"emg-day-{number}", "hash": f"{number:064}", "day": day}
            connection.execute(
                "INSERT INTO therapy_sessions (session_code, subject, parameters, file_hash, created_at)"
                " SELECT %(code)s, 'P001', parameters, %(hash)s,"
                " timestamptz '2026-01-05 10:00Z' + %(day)s * interval '1 day'"
                " FROM therapy_sessions WHERE session_code = 'emg-0'",
                values,
            )
            connection.execute(
                "INSERT INTO analysis_results (file_hash, parameters, analytics_summary)"
                " SELECT %(hash)s, parameters, analytics_summary #- '{recording,game}' FROM analysis_results LIMIT 1",
                values,
            )
        connection.execute("DELETE FROM therapy_sessions WHERE session_code = 'emg-0'")


async def test_adherence_by_week_is_the_cores(store: SummaryStore, data: bytes, database_url: str) -> None:
    days = [0, 0, 1, 2, 3, 5, 6, 7, 8, 22, 23, 24, 25, 26, 27, 27]
    await sessions_on_days(store, data, database_url, days)
    weeks = query(database_url, "SELECT * FROM bi_subject_weeks ORDER BY week")
    assert [row["sessions"] for row in weeks] == [7, 2, 0, 7]
    for row in weeks:
        expected = emg_core.adherence(row["sessions_so_far"], row["programme_day"])
        assert row["adherence_percent"] == pytest.approx(expected, rel=1e-12), row["week"]
    assert [row["programme_day"] for row in weeks] == [7, 14, 21, 28]


async def test_a_trend_is_the_slope_over_the_weeks_so_far(store: SummaryStore, data: bytes, database_url: str) -> None:
    await sessions_on_days(store, data, database_url, [0, 7, 14])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE analysis_results SET analytics_summary = jsonb_set(analytics_summary, '{scores,overall}',"
            " to_jsonb(50 + 4 * file_hash::numeric)) WHERE file_hash ~ '^0+[0-9]$'"
        )
    weeks = query(
        database_url, "SELECT overall, overall_change, overall_slope_per_week FROM bi_subject_weeks ORDER BY week"
    )
    assert [tuple(week.values()) for week in weeks] == [(50, None, None), (54, 4, 4), (58, 4, 4)]


async def test_another_profile_has_weeks_of_its_own_and_changes_nobody_elses(
    store: SummaryStore, data: bytes, database_url: str
) -> None:
    await sessions_on_days(store, data, database_url, [0, 7])
    shown = "SELECT week, sessions, adherence_percent, mean_rms_volts, rms_slope_volts_per_week FROM bi_subject_weeks"
    before = query(database_url, f"{shown} ORDER BY week")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO therapy_sessions (session_code, subject, parameters, file_hash)"
            " SELECT 'emg-again', subject, parameters || '{\"profile\": \"ghostly-2\"}', file_hash"
            " FROM therapy_sessions WHERE session_code = 'emg-day-1'"
        )
        connection.execute(
            "INSERT INTO analysis_results (file_hash, parameters, analytics_summary)"
            ' SELECT file_hash, parameters || \'{"profile": "ghostly-2"}\','
            " %s::jsonb #- '{recording,game}' FROM therapy_sessions WHERE session_code = 'emg-again'",
            [analysed(data, "emg-again", "ghostly-2").summary_json.decode()],
        )
    assert query(database_url, f"{shown} WHERE profile = 'standard-1' ORDER BY week") == before
    again = query(database_url, f"{shown} WHERE profile = 'ghostly-2' ORDER BY week")
    assert [(row["sessions"], row["mean_rms_volts"] is None) for row in again] == [(1, True), (1, False)]


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_skipped_muscle_has_a_row_with_its_reason_and_no_score(
    store: SummaryStore, data_with_a_dead_channel: bytes, database_url: str, profile: str
) -> None:
    await store.save_result("emg-a", spec("a", profile), analysed(data_with_a_dead_channel, "emg-a", profile))
    dead, alive = query(database_url, "SELECT skipped, compliance FROM muscles ORDER BY muscle_number")
    assert (dead["skipped"] is None, dead["compliance"]) == (False, None)
    assert (alive["skipped"], alive["compliance"] is None) == (None, False)


async def test_what_is_stored_before_the_tables_are_there_is_spread_over_them(
    data: bytes, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: [m for m in every if m.version < 25])
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as store:
        await store.save_result("emg-a", spec("a", "standard-1"), analysed(data, "emg-a", "standard-1"))
        monkeypatch.undo()
        migrate.upgrade(database_url)
        before = [query(database_url, f"SELECT * FROM bi_{view}") for view in ("sessions", "contractions")]
        with psycopg.connect(database_url) as connection:
            connection.execute("SELECT fill_tables_for_people(stored) FROM analysis_results AS stored")
    assert [query(database_url, f"SELECT * FROM bi_{view}") for view in ("sessions", "contractions")] == before
    assert len(before[1]) > 0
