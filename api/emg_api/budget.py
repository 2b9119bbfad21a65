"""Memory that requests share, so that many at once, or a large one, wait instead of ending the program."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteBudget:
    """Lends bytes first come, first served; who wants more than there are gets all of them, alone."""

    def __init__(self, most_bytes: int) -> None:
        self._most = self._free = most_bytes
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()

    @asynccontextmanager
    async def lent(self, wanted_bytes: int) -> AsyncIterator[None]:
        """Wait until so many bytes are free and keep them while the block runs."""
        share = min(wanted_bytes, self._most)
        async with self._turn:
            while self._free < share:
                self._returned.clear()
                await self._returned.wait()
            self._free -= share
        try:
            yield
        finally:
            self._free += share
            self._returned.set()
