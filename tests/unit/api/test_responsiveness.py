import asyncio
from threading import Event

import pytest
from anyio import CapacityLimiter, to_thread

from emg_api.budget import ByteBudget
from emg_api.drawing import WindowDrawer
from emg_api.excerpts import ExcerptReader
from emg_api.layouts import Layouts
from emg_api.metrics import Metrics
from emg_api.negotiation import Coding
from emg_api.windows import Window, WindowQuery, window_of
from tests.support.web import inserted, post

_SECONDS = 60.0


@pytest.fixture
async def session(web) -> str:
    return (await post(web, inserted("P001/one.c3d"))).json()["session_code"]


@pytest.fixture
async def window(session, summaries, recordings) -> Window:
    stored = summaries.session(session)
    recording = await Layouts(recordings, Metrics()).of(stored.file_path, stored.object_version)
    return window_of(WindowQuery(width=10), stored, recording, [0])


@pytest.fixture
def drawer(recordings) -> WindowDrawer:
    return WindowDrawer(
        reader=ExcerptReader(recordings=recordings, budget=ByteBudget(2**24), limiter=CapacityLimiter(2))
    )


async def test_the_event_loop_goes_on_while_a_window_is_computed(drawer, window):
    going_on = Event()

    def encode(_drawn) -> bytes:
        return b"went on" if going_on.wait(_SECONDS) else b"stood still"

    drawing = asyncio.create_task(drawer.body(window, encode, Coding.IDENTITY))
    for _ in range(1000):
        await asyncio.sleep(0)
    going_on.set()

    assert (await drawing).body == b"went on"


async def test_computing_takes_no_more_than_its_own_threads(drawer, window):
    end, computing = Event(), []

    def encode(_drawn) -> bytes:
        computing.append(1)
        end.wait(_SECONDS)
        return b""

    drawing = [asyncio.create_task(drawer.body(window, encode, Coding.IDENTITY)) for _ in range(5)]
    while len(computing) < 2:
        await asyncio.sleep(0.001)
    assert await to_thread.run_sync(lambda: "others have theirs") == "others have theirs"
    assert len(computing) == 2
    end.set()
    await asyncio.gather(*drawing)


async def test_a_ping_is_answered_before_heavy_answers_are_done(web, session):
    path = f"/signals/jit/{session}"
    heavy = [asyncio.create_task(web.get(f"{path}/CH1?width=2000&start={second / 10}")) for second in range(32)]
    heavy += [asyncio.create_task(web.get(f"{path}/CH1")) for _ in range(3)]
    await asyncio.sleep(0)

    ping = await web.get("/livez")
    waiting = [task for task in heavy if not task.done()]

    assert (ping.status_code, len(waiting) > 0) == (200, True)
    assert {answer.status_code for answer in await asyncio.gather(*heavy)} == {200}


async def test_a_client_that_goes_away_gives_its_memory_back(drawer, window):
    began, end = Event(), Event()

    def encode(_drawn) -> bytes:
        began.set()
        end.wait(_SECONDS)
        return b""

    gone = asyncio.create_task(drawer.body(window, encode, Coding.IDENTITY))
    while not began.is_set():
        await asyncio.sleep(0.001)
    gone.cancel()
    end.set()
    await asyncio.wait([gone])

    async with asyncio.timeout(_SECONDS), drawer.reader.budget.lent(2**24):
        assert gone.cancelled()
