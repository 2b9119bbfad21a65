import asyncio

import pytest

from emg_api.metrics import Metrics
from emg_api.negotiation import Coding
from emg_api.packing import Packed
from emg_api.recent import Answers, RecentBodies
from emg_api.shared_work import SharedWork
from tests.support.waiting import until


class Work:
    """Something that takes until `end` is set; counts how often it was begun and how often cancelled."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.end = asyncio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "done"


async def waiters(shared: SharedWork[str], work: Work, count: int) -> list["asyncio.Task[str]"]:
    tasks = [asyncio.create_task(shared.result("key", work)) for _ in range(count)]
    await until(lambda: work.begun, "the work begins")
    return tasks


async def test_all_who_wait_get_what_was_done_once():
    shared, work = SharedWork[str](), Work()
    tasks = await waiters(shared, work, 5)
    work.end.set()
    assert (await asyncio.gather(*tasks), work.begun) == (["done"] * 5, 1)


async def test_who_gives_up_leaves_the_work_to_the_others():
    shared, work = SharedWork[str](), Work()
    first, second = await waiters(shared, work, 2)
    first.cancel()
    await asyncio.wait([first])
    work.end.set()
    assert (await second, work.cancelled) == ("done", 0)


async def test_work_that_nobody_waits_for_is_cancelled_and_begun_anew_for_the_next():
    shared, work = SharedWork[str](), Work()
    for task in await waiters(shared, work, 2):
        task.cancel()
    await until(lambda: work.cancelled, "the work is cancelled")
    (again,) = await waiters(shared, work, 1)
    work.end.set()
    assert (await again, work.begun, work.cancelled) == ("done", 2, 1)


async def test_a_failure_is_everybodys_and_forgotten():
    shared = SharedWork[str]()

    async def fail() -> str:
        raise ValueError("no")

    found = await asyncio.gather(*(shared.result("key", fail) for _ in range(2)), return_exceptions=True)
    assert [str(error) for error in found] == ["no", "no"]

    async def work() -> str:
        return "done"

    assert await shared.result("key", work) == "done"


def body(size: int) -> Packed:
    return Packed(b"x" * size, Coding.IDENTITY)


def test_bodies_are_kept_within_their_bound_the_least_used_go_first():
    recent = RecentBodies(100)
    for key in "abcd":
        recent.keep(key, body(25))
    recent.find("a")
    recent.keep("e", body(20))
    assert [key for key in "abcde" if recent.find(key)] == ["a", "c", "d", "e"]


def test_a_body_that_would_push_out_the_others_is_not_kept():
    recent = RecentBodies(100)
    recent.keep("a", body(26))
    assert recent.find("a") is None


async def test_an_answer_is_made_once_for_those_who_ask_now_and_soon_after():
    answers, made = Answers(recent=RecentBodies(1000), metrics=Metrics()), []

    async def make() -> Packed:
        made.append(1)
        await asyncio.sleep(0)
        return body(10)

    await asyncio.gather(*(answers.of("tag", make) for _ in range(3)))
    await answers.of("tag", make)
    assert made == [1]


@pytest.mark.parametrize("keys", [3, 1000])
def test_memory_stays_flat_however_many_bodies_there_were(keys):
    recent = RecentBodies(100)
    for number in range(keys):
        recent.keep(str(number), body(25))
    assert sum(len(found.body) for n in range(keys) if (found := recent.find(str(n)))) <= 100
