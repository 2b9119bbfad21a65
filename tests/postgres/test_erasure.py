"""Erasing a subject: nothing of it is left, nothing comes back, everybody else's is untouched."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from msgspec.structs import replace

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore
from emg_session.erasure import Erasure, Erasures, Receipt
from emg_session.errors import DatabaseUnavailable, InvalidSettings, RecordingErased, StillNeeded
from emg_session.pool import Database, open_database
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.postgres import login
from tests.support.recordings import synthetic_recording
from tests.support.waiting import until

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
ONE = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P001/one.c3d", version="1"), subject="P001", profile="ghostly-2"
)
TWO = replace(ONE, recording=replace(ONE.recording, uri="s3://recordings/P001/two.c3d"))
OTHER = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P002/one.c3d", version="1"), subject="P002", profile="ghostly-2"
)
ERASURE = Erasure(subject="P001", centre="", reason="consent withdrawn")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[AnalysisResult]:
    folder, contract = tmp_path_factory.mktemp("recordings"), WorkerContract(session_name="emg-one", spec=ONE)
    return [analyse(synthetic_recording(folder, seed=n, seconds=12).read_bytes(), contract) for n in (1, 2, 3)]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate.upgrade(database_url)
    async with open_database(database_url, answer_seconds=120) as database:
        yield database


@pytest.fixture
async def summaries(database: Database, results: list[AnalysisResult]) -> SummaryStore:
    """Two sessions of P001 and one of P002, analysed."""
    summaries = SummaryStore(database)
    for name, spec, result in zip(("emg-one", "emg-two", "emg-other"), (ONE, TWO, OTHER), results, strict=True):
        await summaries.save_result(name, spec, result)
    return summaries


async def erase(database: Database, erasure: Erasure = ERASURE) -> Receipt:
    erasures = Erasures(database)
    await erasures.bury(erasure)
    return await erasures.erase(erasure, None, NOW)


def dump(url: str) -> str:
    """Return all rows of all our tables as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        rows = [connection.execute(f"SELECT t::text FROM {table} AS t").fetchall() for (table,) in tables]
    return "\n".join(row for rows_of_table in rows for (row,) in rows_of_table)


@pytest.mark.usefixtures("summaries")
async def test_nothing_of_the_subject_is_left_in_any_table(database, database_url: str, results) -> None:
    secrets = ["P001", *results[0].personal.values(), results[0].file_hash, results[1].file_hash]
    before = dump(database_url)
    assert all(secret in before for secret in secrets)

    await erase(database)

    left = dump(database_url)
    of_both = set(results[0].personal.values()) & set(results[2].personal.values())
    assert [secret for secret in secrets if secret in left and secret not in of_both] == []


async def test_everybody_elses_rows_stay_as_they_were(summaries, database) -> None:
    before = await summaries.find_session("emg-other")
    await erase(database)
    assert await summaries.find_session("emg-other") == before
    assert [session.session_code for session in await summaries.list_sessions(10)] == ["emg-other"]


@pytest.mark.usefixtures("summaries")
async def test_the_receipt_counts_what_was_erased_and_does_not_tell_whom(database) -> None:
    receipt = await erase(database)
    assert receipt.sessions == ("emg-one", "emg-two")
    assert receipt.rows == {"sessions": 2, "personal_data": 2, "results": 2, "superseded_results": 0}
    assert "P001" not in str(receipt)


@pytest.mark.usefixtures("summaries")
async def test_erasing_again_finds_nothing_and_gives_the_same_digest(database) -> None:
    first, again = await erase(database), await erase(database)
    assert (again.subject_digest, again.sessions) == (first.subject_digest, ())
    assert set(again.rows.values()) == {0}


async def test_a_result_that_another_subject_shares_stays_and_is_told(summaries, database, results) -> None:
    await summaries.save_result("emg-other", OTHER, results[0])
    receipt = await erase(database)
    assert (receipt.results_kept_for_others, receipt.rows["results"]) == (1, 2)
    found = await summaries.find_session("emg-other")
    assert found is not None
    assert found.analytics_summary is not None


@pytest.mark.parametrize(
    "spec",
    [
        ONE,
        replace(ONE, recording=replace(ONE.recording, version="2")),
        replace(ONE, recording=RecordingRef(uri="s3://recordings/P001/new.c3d", version="1")),
        replace(ONE, subject=None),
    ],
    ids=["the same", "another version", "a new recording", "the object under no subject"],
)
async def test_what_was_erased_does_not_come_back(summaries, database, results, spec: SessionSpec) -> None:
    await erase(database)
    with pytest.raises(RecordingErased):
        await summaries.save_received("emg-x", spec, None)
    with pytest.raises(RecordingErased):
        await summaries.save_result("emg-x", spec, results[0])
    assert await summaries.known_sessions({"emg-x": spec, "emg-y": OTHER}) == {"emg-x"}
    assert await summaries.erased_sessions({"emg-x": spec, "emg-y": OTHER}) == {"emg-x"}


async def test_who_removes_the_tombstones_allows_the_subject_again(summaries, database, database_url: str) -> None:
    await erase(database)
    with login(database_url, "emg_admin") as url, psycopg.connect(url) as connection:
        connection.execute("DELETE FROM tombstones")
    await summaries.save_received("emg-one", ONE, None)
    assert await summaries.find_session("emg-one") is not None


async def test_every_worker_that_is_just_storing_ends_before_or_is_refused(summaries, database, results) -> None:
    """Sixteen tries to store race with the erasure: whoever wins, nothing is left."""
    for number in range(10):
        subject = f"P1{number:02}"
        recording = RecordingRef(uri=f"s3://recordings/{subject}/one.c3d", version="1")
        spec = SessionSpec(recording=recording, subject=subject, profile="ghostly-2")
        stores = [summaries.save_result(f"emg-{number}", spec, results[0]) for _ in range(16)]
        erasing = erase(database, Erasure(subject=subject, centre="", reason="race"))
        outcomes = await asyncio.gather(*stores[:8], erasing, *stores[8:], return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert {type(outcome) for outcome in refused} <= {RecordingErased}
        assert await summaries.find_session(f"emg-{number}") is None


@pytest.mark.usefixtures("summaries")
async def test_a_worker_in_the_middle_of_storing_is_waited_for(database, database_url: str) -> None:
    with psycopg.connect(database_url) as worker:
        worker.execute(
            "INSERT INTO therapy_sessions (session_code, file_path, object_version, subject)"
            " VALUES ('emg-late', 's3://recordings/P001/late.c3d', '1', 'P001')"
        )
        threading.Timer(0.3, worker.commit).start()
        receipt = await erase(database)
    assert "emg-late" in receipt.sessions


@pytest.mark.usefixtures("summaries")
async def test_the_reason_is_in_the_audit_log_beside_every_row_that_went(database, database_url) -> None:
    await erase(database)
    with psycopg.connect(database_url) as connection:
        lines = connection.execute(
            "SELECT operation, count(*) FROM audit_log WHERE reason = 'consent withdrawn' GROUP BY 1"
        ).fetchall()
    assert dict(lines) == {
        "insert tombstones": 4,
        "delete session_personal_data": 2,
        "delete therapy_sessions": 2,
        "delete analysis_results": 2,
        "erase subject": 1,
    }


async def test_one_code_in_two_centres_is_two_persons(summaries, database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://ulm/', 'ulm'), ('s3://recordings/', 'leiden')")
    of_ulm = replace(ONE, recording=RecordingRef(uri="s3://ulm/P001/one.c3d", version="1"))
    await summaries.save_received("emg-ulm", of_ulm, None)
    with pytest.raises(InvalidSettings, match=r"2 centres.*--centre"):
        await Erasures(database).centre_of("P001", None)

    receipt = await erase(database, Erasure(subject="P001", centre="ulm", reason="moved"))

    assert receipt.sessions == ("emg-ulm",)
    assert await summaries.erased_sessions({"a": of_ulm, "b": ONE}) == {"a"}


async def test_an_unknown_subject_needs_its_centre_where_there_are_centres(database, database_url: str) -> None:
    assert await Erasures(database).centre_of("P404", None) == ""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://ulm/', 'ulm')")
    with pytest.raises(InvalidSettings, match="has no session"):
        await Erasures(database).centre_of("P404", None)
    assert await Erasures(database).centre_of("P404", "ulm") == "ulm"


async def test_an_administrator_of_one_centre_erases_nothing_elsewhere(summaries, database_url: str) -> None:
    with login(database_url, "emg_admin") as url:
        user = psycopg.conninfo.conninfo_to_dict(url)["user"]
        with psycopg.connect(database_url) as connection:
            connection.execute("INSERT INTO centre_places VALUES ('s3://recordings/', 'leiden')")
            connection.execute("DELETE FROM centre_readers WHERE role_name = 'emg_admin'")
            connection.execute("INSERT INTO centre_readers VALUES (%s, 'ulm')", [user])
        async with open_database(url, answer_seconds=120) as theirs:
            receipt = await erase(theirs, Erasure(subject="P001", centre="ulm", reason="mine"))
            with pytest.raises(DatabaseUnavailable, match="refuses our role"):
                await erase(theirs, Erasure(subject="P001", centre="leiden", reason="not mine"))
    assert receipt.sessions == ()
    assert await summaries.find_session("emg-one") is not None


def age(url: str, name: str, days: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE therapy_sessions SET created_at = now() - make_interval(days => %s) WHERE session_code = %s",
            [days, name],
        )


async def test_retention_erases_what_is_too_old_and_keeps_the_sweep_from_it(summaries, database_url) -> None:
    age(database_url, "emg-one", 31)
    with login(database_url, "emg_operator") as url:
        async with open_database(url, answer_seconds=120) as operators:
            assert [(await Erasures(operators).expire(30)).sessions for _ in range(2)] == [1, 0]
    assert {s.session_code for s in await summaries.list_sessions(10)} == {"emg-two", "emg-other"}
    newer = replace(ONE, recording=replace(ONE.recording, version="2"))
    assert await summaries.known_sessions({"old": ONE, "newer": newer}) == {"old"}


@pytest.mark.usefixtures("summaries")
async def test_retention_goes_on_until_nothing_is_left(database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO therapy_sessions (session_code, file_path, object_version, created_at)"
            " SELECT 'emg-' || n, 's3://recordings/' || n, '1', now() - interval '9 days'"
            " FROM generate_series(1, 450) AS n"
        )
    assert (await Erasures(database).expire(8)).sessions == 450


HELD = """
CREATE TABLE notes (about uuid REFERENCES therapy_sessions (id) {when});
INSERT INTO notes SELECT id FROM therapy_sessions WHERE session_code = 'emg-one'
"""


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"])
@pytest.mark.usefixtures("summaries")
async def test_a_row_that_another_table_holds_on_to_keeps_no_other_from_going(database, database_url, when) -> None:
    for name in ("emg-one", "emg-two"):
        age(database_url, name, 31)
    with psycopg.connect(database_url) as connection:
        connection.execute(HELD.format(when=when).encode())
    expiry = await Erasures(database).expire(30)
    assert (expiry.sessions, [str(needed) for needed in expiry.kept.values()]) == (
        1,
        ["table notes holds on to it: delete its rows, then erase again"],
    )
    assert left(database_url) == ["emg-one", "emg-other"]


@pytest.mark.usefixtures("summaries")
async def test_an_erasure_that_another_table_holds_up_is_told_and_done_later(database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(HELD.format(when="").encode())
    with pytest.raises(StillNeeded, match="table notes"):
        await erase(database)
    assert left(database_url) == ["emg-one", "emg-other", "emg-two"]
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM notes")
    assert (await erase(database)).sessions == ("emg-one", "emg-two")


def left(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [code for (code,) in connection.execute("SELECT session_code FROM therapy_sessions ORDER BY 1")]


PLACES = [
    "INSERT INTO centre_places VALUES ('s3://recordings/', 'leiden')",
    "INSERT INTO centre_places VALUES ('s3://recordings/P001/', 'delft')",
]


@pytest.mark.parametrize("place", PLACES)
async def test_who_was_erased_stays_so_where_the_place_gets_a_centre_later(summaries, database, database_url, place):
    await erase(database)
    with psycopg.connect(database_url) as connection:
        connection.execute(place)
    new = replace(ONE, recording=RecordingRef(uri="s3://recordings/P001/new.c3d", version="1"))
    elsewhere = replace(ONE, recording=RecordingRef(uri="s3://ulm/P001/new.c3d", version="1"))
    assert await summaries.erased_sessions({"new": new, "other": OTHER}) == {"new"}
    with pytest.raises(RecordingErased):
        await summaries.save_received("emg-new", new, None)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://ulm/', 'ulm')")
    assert await summaries.erased_sessions({"another person": elsewhere}) == set()


async def test_a_session_that_is_stored_while_its_place_moves_is_of_its_new_centre(
    summaries, database_url: str
) -> None:
    """The place's transaction is not over yet: who stores waits for it, and the other way round."""
    with psycopg.connect(database_url) as moving:
        moving.execute("INSERT INTO centre_places VALUES ('s3://recordings/', 'leiden')")
        new = replace(ONE, recording=RecordingRef(uri="s3://recordings/P003/new.c3d", version="1"), subject="P003")
        storing = asyncio.create_task(summaries.save_received("emg-new", new, None))
        await until(lambda: waits_for_a_lock(database_url), "who stores waits")
        moving.commit()
        await storing
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT DISTINCT centre FROM therapy_sessions").fetchall() == [("leiden",)]


@pytest.mark.usefixtures("summaries")
async def test_a_place_that_moves_while_a_session_is_stored_takes_it_along(database_url: str) -> None:
    insert = "INSERT INTO therapy_sessions (session_code, file_path) VALUES ('emg-new', 's3://recordings/P003/new.c3d')"
    move = b"INSERT INTO centre_places VALUES ('s3://recordings/', 'leiden')"
    with psycopg.connect(database_url) as storing:
        storing.execute(insert)
        with ThreadPoolExecutor(1) as threads, psycopg.connect(database_url, autocommit=True) as moving:
            moved = threads.submit(moving.execute, move)
            await until(lambda: waits_for_a_lock(database_url), "the place waits")
            storing.commit()
            moved.result(60)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT DISTINCT centre FROM therapy_sessions").fetchall() == [("leiden",)]


def waits_for_a_lock(url: str) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url) as connection:
        return bool(connection.execute(waiting).fetchall())


@pytest.mark.usefixtures("summaries")
async def test_a_new_tombstone_has_a_larger_number(database) -> None:
    before = await Erasures(database).newest_tombstone()
    await erase(database)
    assert await Erasures(database).newest_tombstone() > before


async def test_a_code_that_nobody_has_or_could_have_is_refused(database) -> None:
    with pytest.raises(InvalidSettings, match="codes are like P001"):
        await Erasures(database).centre_of("p001 ", "")
