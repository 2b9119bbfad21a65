import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore, open_summaries
from emg_session.listing import ListedSession, Progress, Quality, SessionFilter
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.memory import MemorySummaries
from tests.support.recordings import synthetic_recording

FIRST_DAY = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
Summaries = SummaryStore | MemorySummaries


def spec(number: int) -> SessionSpec:
    recording = RecordingRef(uri=f"s3://recordings/P/Trial_{number}.c3d", version="1", size_bytes=number)
    return SessionSpec(recording=recording, subject=f"P{number % 2}", profile=("ghostly-2", "standard-1")[number % 2])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes()


@pytest.fixture
async def stored(database_url: str, data: bytes) -> AsyncIterator[tuple[SummaryStore, MemorySummaries]]:
    """Six sessions of three days, two of them analysed, in PostgreSQL and in memory."""
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as summaries:  # busy machines are no failure
        memory = MemorySummaries()
        for number in range(6):
            for store in (summaries, memory):
                await store.save_received(f"emg-{number}", spec(number), {"duration_s": 20.5} if number else None)
        for number in (1, 2):
            contract = WorkerContract(session_name=f"emg-{number}", spec=spec(number))
            for store in (summaries, memory):
                await store.save_result(f"emg-{number}", spec(number), analyse(data, contract))
        _date(database_url, memory)
        yield summaries, memory


def _date(database_url: str, memory: MemorySummaries) -> None:
    with psycopg.connect(database_url) as connection:
        for number in range(6):
            moment = FIRST_DAY + timedelta(days=number % 3)
            memory.rows[f"emg-{number}"] = replace(memory.rows[f"emg-{number}"], created_at=moment)
            connection.execute(
                "UPDATE therapy_sessions SET created_at = %s WHERE session_code = %s", [moment, f"emg-{number}"]
            )


FILTERS = [
    SessionFilter(),
    SessionFilter(subject="P1"),
    SessionFilter(subject="nobody"),
    SessionFilter(subjects=frozenset({"P0", "P7"})),
    SessionFilter(subjects=frozenset()),
    SessionFilter(profile="ghostly-2"),
    SessionFilter(progress=Progress.ANALYZED),
    SessionFilter(progress=Progress.WAITING, subject="P0"),
    SessionFilter(quality=Quality.GOOD),
    SessionFilter(quality=Quality.POOR),
    SessionFilter(first_day=date(2026, 3, 2)),
    SessionFilter(first_day=date(2026, 3, 2), last_day=date(2026, 3, 2)),
    SessionFilter(last_day=date(2026, 3, 1)),
    SessionFilter(first_day=date.min, last_day=date.max),
    SessionFilter(search="trial_4"),
    SessionFilter(search="p1"),
    SessionFilter(search="EMG-"),
    SessionFilter(search="recordings"),
    SessionFilter(search="%"),
]


async def listing(store: Summaries, wanted: SessionFilter, limit: int) -> list[ListedSession]:
    """Return every wanted session, read page by page."""
    found: list[ListedSession] = []
    while page := await store.list_sessions(limit, wanted, found[-1].place if found else None):
        assert len(page) <= limit
        found += page
    return found


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
async def test_the_database_lists_what_the_store_in_memory_does(stored, wanted: SessionFilter) -> None:
    summaries, memory = stored
    expected = await listing(memory, wanted, 100)

    assert await listing(summaries, wanted, 100) == expected
    assert await listing(summaries, wanted, 2) == expected


async def test_the_filters_tell_sessions_apart(stored) -> None:
    summaries, _ = stored
    counts = [len(await summaries.list_sessions(100, wanted)) for wanted in FILTERS]

    assert counts == [6, 3, 0, 3, 0, 3, 2, 2, counts[8], 2 - counts[8], 4, 2, 2, 6, 1, 3, 6, 0, 0]


async def test_a_session_is_found_by_its_key(stored) -> None:
    summaries, _ = stored
    found = await summaries.find_session("emg-3")

    assert found is not None
    assert await summaries.find_session(str(found.id)) == found
    assert await summaries.find_session(str(uuid.uuid4())) is None
    assert found.profile == "standard-1"
