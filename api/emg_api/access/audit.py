"""Lines for the audit table, written beside requests instead of in them, and never lost without a word."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Protocol

import msgspec

from emg_api.access.repeats import Repeats
from emg_session.audit import AuditEntry
from emg_session.errors import Failure, SummaryRefused, place_of

MOST_WAITING = 10_000
_MOST_AT_ONCE = 500
_SECONDS_BETWEEN_TRIES = 5.0
_SECONDS_TO_FINISH = 5.0

_log = logging.getLogger(__name__)


class AuditStore(Protocol):
    """Where lines are kept for good."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Store them, all or none; one that is there already is left alone. Raises a Failure."""


class AuditTrail:
    """Takes lines at once and stores them in batches; what can't be stored (yet) is in the log as well."""

    def __init__(self, store: AuditStore, *, seconds_between_tries: float = _SECONDS_BETWEEN_TRIES) -> None:
        self._store = store
        self._pause_s = seconds_between_tries
        self._waiting: deque[AuditEntry] = deque()
        self._repeats = Repeats()
        self._told: set[object] = set()
        self._came = asyncio.Event()
        self._at_once = _MOST_AT_ONCE

    def note(self, entry: AuditEntry) -> None:
        """Take a line, unless it only repeats one; with too many waiting, it goes to the log alone."""
        if not self._repeats.is_news(entry):
            return
        if len(self._waiting) >= MOST_WAITING:
            _tell(entry, "too many lines wait to be stored")
            return
        self._waiting.append(entry)
        self._came.set()

    async def write(self) -> None:
        """Store lines as they come, until cancelled."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                if not await self._advance():
                    await asyncio.sleep(self._pause_s)

    async def finish(self) -> None:
        """Store what waits; what the table does not take now is told in the log."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS_TO_FINISH):
                while self._waiting and await self._advance():
                    pass
        self._tell_once(tuple(self._waiting), "the program ends")

    async def _advance(self) -> bool:
        """Store the oldest lines; False where it is better to wait before the next try.

        Of lines that the table refuses, ever fewer are tried at once, until the one at fault is left to the log.
        """
        batch = list(islice(self._waiting, self._at_once))
        failure = await self._failure(batch)
        if failure is None:
            self._drop(batch)
            self._at_once = min(2 * self._at_once, _MOST_AT_ONCE)
            return True
        if not isinstance(failure, SummaryRefused):
            self._tell_once(batch, str(failure) if isinstance(failure, Failure) else place_of(failure))
            return False
        if len(batch) == 1:
            self._tell_once(batch, str(failure))
            self._drop(batch)
        self._at_once = max(len(batch) // 2, 1)
        return True

    async def _failure(self, batch: Sequence[AuditEntry]) -> BaseException | None:
        """Try to store; a bug is told like an outage, as nobody else would notice that this has ended."""
        storing = asyncio.ensure_future(self._store.append(batch))
        try:
            await asyncio.wait([storing])
        finally:
            storing.cancel()
        return storing.exception()

    def _drop(self, batch: Sequence[AuditEntry]) -> None:
        for entry in batch:
            self._waiting.popleft()
            self._told.discard(entry.id)

    def _tell_once(self, entries: Sequence[AuditEntry], why: str) -> None:
        for entry in entries:
            if entry.id not in self._told:
                self._told.add(entry.id)
                _tell(entry, why)


def _tell(entry: AuditEntry, why: str) -> None:
    _log.warning("read not in the audit table", extra={"read": msgspec.to_builtins(entry), "reason": why})


@asynccontextmanager
async def audit_trail(store: AuditStore) -> AsyncIterator[AuditTrail]:
    """Store lines while the block runs, and the last of them at its end."""
    trail = AuditTrail(store)
    writing = asyncio.create_task(trail.write())
    try:
        yield trail
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await trail.finish()
