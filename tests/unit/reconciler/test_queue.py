import asyncio
from contextlib import suppress

import pytest

from emg_operator.queue import WorkQueue
from emg_session.errors import ClusterUnavailable
from tests.support import waiting


async def until(queue: WorkQueue, done: asyncio.Event) -> None:
    running = [asyncio.create_task(queue.run()) for _ in range(3)]
    await asyncio.wait_for(done.wait(), 300)
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_name_added_many_times_is_worked_on_once() -> None:
    calls: list[str] = []
    done = asyncio.Event()

    async def work(name: str) -> None:
        calls.append(name)
        if name == "last":
            done.set()

    queue = WorkQueue(work)
    for name in ("a", "a", "a", "last"):
        queue.add(name)
    await until(queue, done)
    assert sorted(calls) == ["a", "last"]


async def test_a_name_added_while_it_runs_is_worked_on_once_more_but_never_twice_at_a_time() -> None:
    running, most, calls = 0, 0, 0
    done = asyncio.Event()

    async def work(name: str) -> None:
        nonlocal running, most, calls
        running, calls = running + 1, calls + 1
        most = max(most, running)
        if calls == 1:
            queue.add(name)
            queue.add(name)
        await asyncio.sleep(0)
        running -= 1
        if calls == 2:
            done.set()

    queue = WorkQueue(work)
    queue.add("a")
    await until(queue, done)
    assert (most, calls) == (1, 2)


@pytest.mark.parametrize("failure", [ClusterUnavailable("away"), KeyError("a bug")])
async def test_a_failure_is_tried_again_and_stops_nobody_else(failure: Exception) -> None:
    outcomes = iter([failure, None])
    done = asyncio.Event()

    async def work(_: str) -> None:
        if failure := next(outcomes):
            raise failure
        done.set()

    queue = WorkQueue(work)
    queue.add("a")
    await until(queue, done)
    assert next(outcomes, "none left") == "none left"


async def test_whoever_is_busy_is_left_alone_for_as_long_as_it_asks(caplog: pytest.LogCaptureFixture) -> None:
    async def work(_name: str) -> None:
        refusal = ClusterUnavailable("the Kubernetes API answered 429 Too Many Requests")
        refusal.again_after_s = 42.0
        raise refusal

    queue = WorkQueue(work)
    queue.add("a")
    running = asyncio.create_task(queue.run())
    await waiting.until(lambda: "again_after_s=42.0" in caplog.text, "the pause is as long as asked for")
    running.cancel()


async def test_the_queue_tells_its_length_and_how_long_the_first_has_waited() -> None:
    async def work(_name: str) -> None:
        """Do nothing."""

    queue = WorkQueue(work)
    assert (queue.length(), queue.oldest_seconds()) == (0, 0.0)
    queue.add("a")
    await asyncio.sleep(0.01)
    queue.add("b")
    assert queue.length() == 2
    assert queue.oldest_seconds() >= 0.01


async def test_work_that_is_cancelled_from_inside_ends_no_worker() -> None:
    done = asyncio.Event()

    async def work(name: str) -> None:
        if name == "last":
            done.set()
        raise asyncio.CancelledError

    queue = WorkQueue(work)
    for name in ("a", "b", "c", "d", "last"):
        queue.add(name)
    await until(queue, done)
