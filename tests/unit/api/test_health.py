import httpx2
import pytest

from emg_api.app import create_receiver, create_signals
from tests.support.web import KEYS


@pytest.fixture
async def receiver(sessions, summaries, recordings, buckets):
    application = create_receiver(
        sessions=sessions,
        recordings=recordings,
        summaries=summaries,
        buckets=buckets,
        secrets={"supabase": KEYS},
        namespace="emg",
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url="http://emg") as client:
        yield client


@pytest.fixture
async def signals(summaries, recordings):
    application = create_signals(recordings=recordings, summaries=summaries)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url="http://emg") as client:
        yield client


async def test_both_programs_are_alive_and_ready(receiver, signals):
    for program in (receiver, signals):
        assert (await program.get("/livez")).json() == {"alive": True}
        assert (await program.get("/readyz")).json() == {"ready": True, "database": "ok"}


async def test_without_the_database_only_the_receiver_is_ready(receiver, signals, summaries):
    summaries.away = True

    assert (await receiver.get("/readyz")).json() == {"ready": True, "database": "away"}
    assert (await signals.get("/readyz")).status_code == 503


async def test_each_program_serves_its_own_routes_only(receiver, signals):
    assert (await receiver.get("/sessions")).status_code == 404
    assert (await signals.post("/webhooks/storage/c3d-upload-optimized")).status_code == 404
