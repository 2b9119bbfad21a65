"""Answers are made once for all who ask at the same time, and kept for those who ask soon after, within a bound."""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from emg_api.metrics import Cache, Metrics
from emg_api.packing import Packed
from emg_api.shared_work import SharedWork

# Larger ones would push out nearly all others.
_LARGEST_SHARE = 4


class RecentBodies:
    """The bodies used most recently, of so many bytes together."""

    def __init__(self, most_bytes: int) -> None:
        self._most = self._free = most_bytes
        self._kept: OrderedDict[str, Packed] = OrderedDict()

    def find(self, key: str) -> Packed | None:
        """Return a body that is still there."""
        packed = self._kept.get(key)
        if packed is not None:
            self._kept.move_to_end(key)
        return packed

    def keep(self, key: str, packed: Packed) -> None:
        """Keep a body for a while."""
        if key in self._kept or len(packed.body) * _LARGEST_SHARE > self._most:
            return
        self._kept[key] = packed
        self._free -= len(packed.body)
        while self._free < 0:
            _, oldest = self._kept.popitem(last=False)
            self._free += len(oldest.body)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers by entity tag, which names all that decides them: a kept one never gets old."""

    recent: RecentBodies
    metrics: Metrics
    _under_way: SharedWork[Packed] = field(default_factory=SharedWork, init=False, repr=False)

    async def of(self, tag: str, work: Callable[[], Coroutine[Any, Any, Packed]]) -> Packed:
        """Return an answer; `work` makes it unless it is there or under way."""
        packed = self.recent.find(tag)
        self.metrics.looked_up(Cache.ANSWERS, hit=packed is not None)
        if packed is None:
            packed = await self._under_way.result(tag, work)
            self.recent.keep(tag, packed)
        return packed
