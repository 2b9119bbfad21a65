import base64
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_api.cursors import cursor_of, place_of
from emg_api.refusals import BadQuery
from emg_session.contract import WorkerContract
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import Worker
from tests.support.memory import CREATED_AT
from tests.support.web import inserted, post


@pytest.fixture
async def received(web) -> dict:
    return (await post(web, inserted("P001/one.c3d"))).json()


async def test_a_received_session_is_listed_as_not_analysed(web, received, bucket):
    answer = (await web.get("/sessions")).json()

    assert answer == {
        "success": True,
        "sessions": [
            {
                "session_id": received["session_id"],
                "session_code": received["session_code"],
                "recording": "one.c3d",
                "subject": "P001",
                "profile": "standard-1",
                "created_at": "2026-03-02T10:00:00Z",
                "size_bytes": (bucket / "P001" / "one.c3d").stat().st_size,
                "duration_seconds": received["metadata"]["duration_s"],
                "analyzed": False,
                "quality": None,
                "contractions": None,
                "overall_score": None,
                "standing": {
                    "reason": "Pending",
                    "finished": False,
                    "message": "the operator has not seen the session yet",
                },
            }
        ],
        "next_cursor": None,
    }


async def test_an_analysed_session_shows_its_result(web, received, sessions, recordings, summaries):
    code = received["session_code"]
    await Worker(WorkerContract.of(await sessions.load(code)), recordings, summaries).run()
    summary = summaries.session(code).analytics_summary

    entry = (await web.get(f"/sessions/{code}")).json()["session"]

    assert (entry["analyzed"], entry["overall_score"]) == (True, summary["scores"]["overall"])
    assert entry["contractions"] == sum(len(muscle["contractions"]) for muscle in summary["muscles"]) > 0
    assert (await web.get(f"/sessions/{code}/summary")).json() == summary


async def test_a_session_that_failed_says_why_in_list_and_page(web, received, sessions):
    code = received["session_code"]
    sessions.statuses[code] = failed("BadRecording", "exit code 10: not C3D")
    told = {"reason": "BadRecording", "finished": True, "message": "exit code 10: not C3D"}

    assert (await web.get("/sessions")).json()["sessions"][0]["standing"] == told
    assert (await web.get(f"/sessions/{code}")).json()["session"]["standing"] == told


async def test_a_list_is_told_without_reasons_where_the_cluster_is_away(web, received, sessions):
    sessions.away = True

    (entry,) = (await web.get("/sessions")).json()["sessions"]

    assert (entry["session_code"], entry["standing"]) == (received["session_code"], None)


async def test_a_list_waits_for_a_silent_cluster_a_second_at_most(web, received, sessions):
    sessions.silent = True

    (entry,) = (await web.get("/sessions")).json()["sessions"]

    assert (entry["session_code"], entry["standing"]) == (received["session_code"], None)


def failed(reason: str, message: str) -> dict:
    """Return the status of a session that ended without a summary."""
    condition = {
        "type": "Succeeded",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-03-02T10:00:00Z",
        "observedGeneration": 1,
    }
    return {"conditions": [condition]}


@pytest.fixture
async def two_results(received, sessions, recordings, summaries) -> str:
    """The code of a session whose recording another session has analysed with ghostly-2, too."""
    session = await sessions.load(received["session_code"])
    await Worker(WorkerContract.of(session), recordings, summaries).run()
    other = msgspec.structs.replace(session.spec, profile="ghostly-2")
    await Worker(WorkerContract(session_name="emg-other", spec=other), recordings, summaries).run()
    return session.name


async def test_the_results_of_a_recording_are_listed_the_session_s_own_first(web, two_results):
    results = (await web.get(f"/sessions/{two_results}/results")).json()["results"]

    assert [(one["profile"], one["own"]) for one in results] == [("standard-1", True), ("ghostly-2", False)]


async def test_another_profile_s_result_is_shown_by_its_name_or_digest(web, two_results):
    address = f"/sessions/{two_results}"
    other = (await web.get(f"{address}/results")).json()["results"][1]
    own = (await web.get(f"{address}/summary")).json()

    for profile in (other["profile"], other["digest"]):
        summary = (await web.get(f"{address}/summary?profile={profile}")).json()
        assert (summary["profile"]["name"], summary["recording"]) == ("ghostly-2", own["recording"])
    assert (await web.get(f"{address}?profile=ghostly-2")).json()["session"]["profile"] == "ghostly-2"


async def test_every_view_of_a_session_takes_a_profile(web, two_results):
    address, signals = f"/sessions/{two_results}", f"/signals/jit/{two_results}"
    asked = [f"{address}/contractions", f"{address}/contractions.csv", f"{signals}/channels", f"{signals}/windows"]

    for path in asked:
        own, other = [await web.get(path + query) for query in ("?profile=standard-1", "?profile=ghostly-2")]
        assert (own.status_code, other.status_code) == (200, 200)
        assert own.headers.get("etag", own.content) != other.headers.get("etag", other.content)
    window = (await web.get(f"{signals}/CH1?width=10&profile=ghostly-2")).json()
    assert window["profile"] == "ghostly-2"


async def test_a_profile_that_nobody_used_has_no_result(web, two_results):
    response = await web.get(f"/sessions/{two_results}/summary?profile=standard-9")

    assert (response.status_code, response.json()["type"]) == (404, "urn:emg-operator:problem:result-not-found")


async def test_a_recording_that_was_not_analysed_has_no_results(web, received):
    assert (await web.get(f"/sessions/{received['session_code']}/results")).json()["results"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=all", "offset=1"])
async def test_a_list_out_of_bounds_is_refused(web, query):
    assert (await web.get(f"/sessions?{query}")).status_code == 422


async def pages(web, query: str) -> list[list[str]]:
    """Return the codes on each page."""
    found, cursor = [], ""
    while cursor is not None:
        answer = (await web.get(f"/sessions?{query}{cursor}")).json()
        found.append([session["session_code"] for session in answer["sessions"]])
        cursor = answer["next_cursor"] and f"&cursor={answer['next_cursor']}"
    return found


async def add_sessions(summaries, count: int) -> list[str]:
    """Add sessions of three moments and two subjects; return their codes in the order of the list."""
    for number in range(count):
        recording = RecordingRef(uri=f"s3://recordings/P/{number}.c3d", version="1")
        spec = SessionSpec(recording=recording, subject=f"P{number % 2}", profile="standard-1")
        await summaries.save_received(f"emg-{number:03}", spec, None)
        moment = CREATED_AT + timedelta(days=number % 3)
        summaries.rows[f"emg-{number:03}"] = replace(summaries.rows[f"emg-{number:03}"], created_at=moment)
    return sorted(summaries.rows, key=lambda code: (summaries.rows[code].created_at, code), reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 7, 10, 100])
async def test_pages_put_together_are_the_whole_list(web, summaries, limit):
    codes = await add_sessions(summaries, 10)

    found = await pages(web, f"limit={limit}")

    assert [code for page in found for code in page] == codes
    assert {len(page) for page in found[:-1]} <= {limit}
    assert found[-1]


async def test_a_page_begins_where_the_last_ended_whatever_was_added(web, summaries):
    codes = await add_sessions(summaries, 6)
    first = (await web.get("/sessions?limit=3")).json()
    recording = RecordingRef(uri="s3://recordings/P/new.c3d", version="1")
    await summaries.save_received("emg-new", SessionSpec(recording=recording, profile="standard-1"), None)
    summaries.rows["emg-new"] = replace(summaries.rows["emg-new"], created_at=CREATED_AT + timedelta(days=9))

    second = (await web.get(f"/sessions?limit=3&cursor={first['next_cursor']}")).json()

    assert [session["session_code"] for session in second["sessions"]] == codes[3:]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("subject=P1", {1, 3, 5}),
        ("status=waiting", set(range(6))),
        ("status=analyzed", set()),
        ("quality=good", set()),
        ("profile=ghostly-2", set()),
        ("since=2026-03-03&until=2026-03-03", {1, 4}),
        ("until=2026-03-02", {0, 3}),
        ("since=9999-12-31", set()),
        ("until=9999-12-31", set(range(6))),
        ("search=4.C3D", {4}),
        ("search=EMG-00", set(range(6))),
        ("search=recordings", set()),  # names of buckets and folders are not searched
    ],
)
async def test_a_list_is_filtered(web, summaries, query, numbers):
    await add_sessions(summaries, 6)

    (found,) = await pages(web, query)

    assert set(found) == {f"emg-{number:03}" for number in numbers}


@pytest.mark.parametrize(
    "query", ["subject=", "search=a%00b", "since=yesterday", "status=done", "cursor=x", "cursor=e30=", "quality=ok"]
)
async def test_a_filter_out_of_bounds_is_refused(web, query):
    response = await web.get(f"/sessions?{query}")

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:bad-query")


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_no_cursor_breaks_the_list(cursor):
    try:
        place = place_of(cursor)
    except BadQuery:
        return
    assert place_of(cursor_of(place)) == place
