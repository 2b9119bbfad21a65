"""Answers of others, kept for a while so that they need not be asked at every request."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from emg_api.metrics import Cache, Metrics

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most so many answers; `seconds` says how long each is kept, `now` is a clock that nobody sets back."""

    def __init__(self, *, most: int, seconds: Callable[[V], float], now: Callable[[], float], metrics: Metrics) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._metrics = metrics
        self._answers: OrderedDict[K, tuple[V, float]] = OrderedDict()

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Return what is kept, or ask; what `ask` raises is not kept."""
        known = self._answers.get(key)
        hit = known is not None and self._now() < known[1]
        self._metrics.looked_up(Cache.ACCESS, hit=hit)
        if known is not None and hit:
            self._answers.move_to_end(key)
            return known[0]
        answer = await ask()
        self._answers[key] = (answer, self._now() + self._seconds(answer))
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)
        return answer
