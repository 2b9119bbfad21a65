import pytest

from emg_session.contract import WorkerContract
from emg_worker.work import Worker
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
                "created_at": "2026-03-02T10:00:00Z",
                "size_bytes": (bucket / "P001" / "one.c3d").stat().st_size,
                "duration_seconds": received["metadata"]["duration_s"],
                "analyzed": False,
                "contractions": None,
                "overall_score": None,
            }
        ],
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
