import asyncio
from contextlib import AsyncExitStack

from emg_api.budget import ByteBudget


async def test_what_is_more_than_there_is_waits_for_its_turn():
    budget, done = ByteBudget(10), []

    async def work(name: str, wanted_bytes: int) -> None:
        async with budget.lent(wanted_bytes):
            done.append(name)

    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as first:
        await first.enter_async_context(budget.lent(6))
        tasks.create_task(work("large", 1000))
        tasks.create_task(work("small", 1))
        for _ in range(10):
            await asyncio.sleep(0)
        assert done == []

    assert done == ["large", "small"]


async def test_who_gives_up_waiting_takes_nothing_along():
    budget = ByteBudget(10)
    async with budget.lent(10):
        waiting = asyncio.create_task(budget.lent(5).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()

    async with budget.lent(10):
        pass
    assert waiting.cancelled()
