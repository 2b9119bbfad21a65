"""Answers of others, kept for a while so that they need not be asked at every request."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from emg_api.metrics import Cache, Metrics

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MOST_GRANTS = 4096
_MOST_REFUSALS = 256


class Kept(Generic[K, V]):
    """At most so many answers; `seconds` says how long each is kept, `now` is a clock that nobody sets back.

    Refusals have a place of their own: whoever makes them, in any number, pushes out nothing that was granted.
    """

    def __init__(
        self,
        *,
        is_refusal: Callable[[V], bool],
        seconds: Callable[[V], float],
        now: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._is_refusal = is_refusal
        self._seconds = seconds
        self._now = now
        self._metrics = metrics
        self._grants = _Recent[K, V](_MOST_GRANTS)
        self._refusals = _Recent[K, V](_MOST_REFUSALS)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Return what is kept, or ask; what `ask` raises is not kept."""
        known = self._grants.find(key, self._now()) or self._refusals.find(key, self._now())
        self._metrics.looked_up(Cache.ACCESS, hit=known is not None)
        if known is not None:
            return known[0]
        answer = await ask()
        place = self._refusals if self._is_refusal(answer) else self._grants
        place.keep(key, answer, self._now() + self._seconds(answer))
        return answer


class _Recent(Generic[K, V]):
    """The answers used most recently, each with when it ends."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def find(self, key: K, now: float) -> tuple[V, float] | None:
        known = self._answers.get(key)
        if known is None or known[1] <= now:
            self._answers.pop(key, None)
            return None
        self._answers.move_to_end(key)
        return known

    def keep(self, key: K, answer: V, end: float) -> None:
        self._answers[key] = (answer, end)
        self._answers.move_to_end(key)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
