from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from emg_api.access.audit import audit_trail
from emg_api.access.callers import OpenAccess
from emg_api.access.gate import Gate
from emg_api.app import create_both
from emg_api.intake import Intake
from emg_api.metrics import Metrics
from emg_api.receiver import Receiver
from emg_api.senders import build_senders
from emg_session.recordings import Buckets
from tests.support.memory import MemoryAudit, MemorySessions, MemorySummaries
from tests.support.recordings import synthetic_recording
from tests.support.senders import GOOGLE, SENDER_SETTINGS
from tests.support.web import CountingRecordings


@pytest.fixture(scope="session")
def recording_file(tmp_path_factory):
    return synthetic_recording(tmp_path_factory.mktemp("recording"))


@pytest.fixture
def bucket(tmp_path, recording_file) -> Path:
    """The folder that serves the bucket `recordings`, with one recording of P001 in it."""
    folder = tmp_path / "recordings"
    (folder / "P001").mkdir(parents=True)
    (folder / "P001" / "one.c3d").write_bytes(recording_file.read_bytes())
    return folder


@pytest.fixture
def sessions() -> MemorySessions:
    return MemorySessions()


@pytest.fixture
def summaries() -> MemorySummaries:
    return MemorySummaries()


@pytest.fixture
def buckets(bucket) -> Buckets:
    return Buckets({"recordings": f"file://{bucket}"})


@pytest.fixture
def recordings(buckets) -> CountingRecordings:
    return CountingRecordings(buckets)


@pytest.fixture
def receiver(sessions, summaries, recordings, buckets) -> Receiver:
    metrics = Metrics()
    intake = Intake(
        sessions=sessions,
        recordings=recordings,
        summaries=summaries,
        buckets=buckets,
        namespace="emg",
        metrics=metrics,
    )
    senders = build_senders(SENDER_SETTINGS, GOOGLE.fetch)
    return Receiver(senders=senders, intake=intake, sessions=sessions, metrics=metrics)


@pytest.fixture
def audit() -> MemoryAudit:
    return MemoryAudit()


@pytest.fixture
async def gate(summaries, audit) -> AsyncIterator[Gate]:
    """Open to everybody, as in the mode none."""
    async with audit_trail(audit) as trail:
        yield Gate(summaries=summaries, access=OpenAccess(), audit=trail)


@pytest.fixture
async def web(receiver, gate) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the real application."""
    application = create_both(receiver, gate)
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://emg") as client:
        yield client
