"""What a window costs in requests and bytes, counted on the wire to a real S3 server."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest

from emg_api.access.audit import audit_trail
from emg_api.access.callers import OpenAccess
from emg_api.access.gate import Gate
from emg_api.app import create_signals
from emg_api.metrics import Metrics
from emg_session.resource import RecordingRef, SessionSpec
from tests.storage.conftest import Place
from tests.support.memory import MemoryAudit, MemorySummaries
from tests.support.needs import shared_data
from tests.support.s3 import S3Server
from tests.support.wire import Wire, counting_wire

KEY = "P001/real.c3d"


@pytest.fixture
async def wire(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """What lies between the signals API and the server."""
    server = urlsplit(s3.endpoint)
    async with counting_wire(server.hostname, server.port) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
        yield wire


@pytest.fixture
async def web(bucket: Place, wire: Wire) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the signals API that reads a real recording of 175 s from the server."""
    real = shared_data("c3d/real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d")
    version = bucket.put(KEY, real.read_bytes())
    summaries = MemorySummaries()
    recording = RecordingRef(uri=bucket.uri(KEY), version=version, size_bytes=real.stat().st_size)
    await summaries.save_received("emg-real", SessionSpec(recording=recording, profile="standard-1"), None)
    async with audit_trail(MemoryAudit()) as audit:
        gate = Gate(summaries=summaries, access=OpenAccess(), audit=audit)
        application = create_signals(recordings=bucket.recordings, gate=gate, metrics=Metrics())
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://emg/signals/jit/emg-real") as client:
            assert wire.requests == 0
            yield client


@pytest.mark.parametrize("signals", ["raw", "raw,envelope,rms"])
async def test_ten_seconds_cost_one_header_and_one_read_of_less_than_200_kb(web, wire, signals: str) -> None:
    answer = await web.get(f"/CH1?start=5.01&end=15.01&width=2000&signals={signals}")

    assert answer.status_code == 200
    assert wire.requests == 2
    assert 163_680 < wire.received_bytes <= 200_000


async def test_the_header_is_read_once_and_what_is_known_not_at_all(web, wire) -> None:
    first = await web.get("/CH1?start=5&end=15&width=100")
    for path in ("/CH2?start=5&end=15&width=100", "/channels", "/windows?start=20&end=30&width=100"):
        await web.get(path)
    again = await web.get("/CH1?start=5&end=15&width=100", headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304
    assert wire.requests == 1 + 3


async def test_a_recording_that_was_replaced_is_a_conflict_before_its_bytes_are_sent(web, wire, bucket: Place) -> None:
    await web.get("/channels")
    bucket.put(KEY, b"another recording" * 1000)

    answer = await web.get("/CH1?start=5&end=15&width=100")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:emg-operator:problem:recording-changed")
    assert wire.received_bytes < 10_000
