import base64
from dataclasses import replace
from datetime import timedelta

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
