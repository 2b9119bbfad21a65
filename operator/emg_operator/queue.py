"""Names of sessions to look at: each once, never two at a time for one name, later again after a failure."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from emg_session.errors import Failure, place_of

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_MOST_DOUBLINGS = 10


Work = Callable[[str], Coroutine[Any, Any, float | None]]


class Queue(Protocol):
    """Where names wait for their turn."""

    def add(self, name: str) -> None:
        """Have this name worked on soon."""

    async def run(self) -> None:
        """Work until cancelled."""

    def length(self) -> int:
        """Return how many names wait."""

    def oldest_seconds(self) -> float:
        """Return how long the first of them has waited."""


class WorkQueue:
    """Calls `work(name)` for every name added; what it returns is when to call it again (None: when added again)."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._due: asyncio.Queue[str] = asyncio.Queue()
        # Since when each waits; the first to come is the first in the dict.
        self._waiting: dict[str, float] = {}
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: Counter[str] = Counter()

    def add(self, name: str) -> None:
        """Have this name worked on soon; adding it while it runs means once more afterwards."""
        if name in self._running:
            self._again.add(name)
        elif name not in self._waiting:
            self._waiting[name] = time.monotonic()
            self._due.put_nowait(name)

    def length(self) -> int:
        """Return how many names wait."""
        return len(self._waiting)

    def oldest_seconds(self) -> float:
        """Return how long the first of them has waited."""
        since = next(iter(self._waiting.values()), None)
        return 0.0 if since is None else time.monotonic() - since

    async def run(self) -> None:
        """Work until cancelled; several may run side by side."""
        while True:
            name = await self._due.get()
            self._waiting.pop(name, None)
            self._running.add(name)
            try:
                again_after_s = await self._attempt(name)
            finally:
                self._running.discard(name)
            if name in self._again:
                self._again.discard(name)
                self.add(name)
            elif again_after_s is not None:
                self._add_later(name, again_after_s)

    async def _attempt(self, name: str) -> float | None:
        task = asyncio.ensure_future(self._work(name))
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():  # by something inside; it must not end this worker
            return self._pause_s(name, "its work was cancelled from inside")
        match task.exception():
            case None:
                self._failures.pop(name, None)
                return task.result()
            case Failure() as failure:
                return self._pause_s(name, str(failure), least_s=failure.again_after_s)
            case error:  # one session's bug must not stop the others' work
                return self._pause_s(name, f"a bug: {place_of(error)}")

    def _pause_s(self, name: str, why: str, *, least_s: float = 0.0) -> float:
        pause_s = max(min(_FIRST_PAUSE_S * 2.0 ** self._failures[name], _LONGEST_PAUSE_S), least_s)
        self._failures[name] = min(self._failures[name] + 1, _MOST_DOUBLINGS)
        log.warning("session=%s again_after_s=%.1f %s", name, pause_s, why)
        return pause_s

    def _add_later(self, name: str, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + after_s
        planned = self._timers.get(name)
        if planned is not None and planned.when() <= when:
            return
        if planned is not None:
            planned.cancel()
        self._timers[name] = loop.call_at(when, self._fire, name)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self.add(name)
