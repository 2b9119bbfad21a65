import asyncio

import httpx2
import pytest
from starlette.requests import Request

from emg_api.app import create_receiver, create_signals
from emg_api.health import Health
from emg_api.metrics import Metrics
from emg_session.errors import DatabaseUnavailable


@pytest.fixture
async def receiving(receiver):
    application = create_receiver(receiver)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url="http://emg") as client:
        yield client


@pytest.fixture
async def signals(gate, recordings):
    application = create_signals(recordings=recordings, gate=gate, metrics=Metrics())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url="http://emg") as client:
        yield client


async def test_both_programs_are_alive_and_ready(receiving, signals):
    for program in (receiving, signals):
        assert (await program.get("/livez")).json() == {"alive": True}
        assert (await program.get("/readyz")).json() == {"ready": True, "database": "ok"}


async def test_without_the_database_only_the_receiver_is_ready(receiving, signals, summaries):
    summaries.away = True

    assert (await receiving.get("/readyz")).json() == {"ready": True, "database": "away"}
    assert (await signals.get("/readyz")).status_code == 503


async def test_a_silent_database_keeps_no_probe_waiting(receiving, signals, summaries):
    summaries.silent = True

    assert (await receiving.get("/readyz")).json() == {"ready": True, "database": "away"}
    assert (await signals.get("/readyz")).status_code == 503


async def test_a_migration_ahead_of_the_roll_out_leaves_the_receiver_in_its_service(receiving, signals, summaries):
    summaries.schema = 999

    assert (await receiving.get("/readyz")).json() == {"ready": True, "database": "on another schema"}
    assert (await signals.get("/readyz")).json()["type"] == "urn:emg-operator:problem:schema-mismatch"


async def test_what_the_database_answered_is_kept_for_a_second(summaries):
    seconds = [0.0]
    health = Health(summaries=summaries, needs_database=True, now=lambda: seconds[-1])
    request = Request({"type": "http"})
    await health.ready(request)
    summaries.away = True
    seconds.append(0.9)
    await health.ready(request)
    seconds.append(1.0)

    with pytest.raises(DatabaseUnavailable):
        await health.ready(request)


async def test_however_many_probes_come_the_database_is_asked_once(signals, summaries):
    await asyncio.gather(*(signals.get("/readyz") for _ in range(20)))

    assert summaries.checks == 1


async def test_each_program_serves_its_own_routes_only(receiving, signals):
    assert (await receiving.get("/sessions")).status_code == 404
    assert (await signals.post("/webhooks/storage/c3d-upload-optimized")).status_code == 404
