"""Turns: a few questions to others at a time, and only so many waiting for theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from emg_api.refusals import TooBusy

_AT_ONCE = 8
_MOST_WAITING = 200


class Turns:
    """Eight at a time, first come, first served; who would be behind two hundred others is told to come again."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and have it while the block runs; raises TooBusy where too many wait already."""
        if self._here >= _AT_ONCE + _MOST_WAITING:
            raise TooBusy("too many others wait for the same")
        self._here += 1
        try:
            async with self._free:
                yield
        finally:
            self._here -= 1
