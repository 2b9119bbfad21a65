"""Work that several requests wait for is done once, and stops when none of them waits any more."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Work(Generic[T]):
    task: "asyncio.Task[T]"
    waiting: int = 0


class SharedWork(Generic[T]):
    """Requests for the same key, at the same time, share one task."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Work[T]] = {}

    async def result(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the work returns, or raise what it raises, as everybody else who waits for it does."""
        shared = self._under_way.get(key)
        if shared is None:
            shared = self._under_way[key] = _Work(asyncio.create_task(work()))
            shared.task.add_done_callback(lambda task: self._forget(key, task))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                self._forget(key, shared.task)  # who comes now must not wait for what is being cancelled
                shared.task.cancel()

    def _forget(self, key: Hashable, task: "asyncio.Task[T]") -> None:
        shared = self._under_way.get(key)
        if shared is not None and shared.task is task:
            del self._under_way[key]
