"""Probes: /livez says the program runs, /readyz that it can do its work."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.responses import json_response
from emg_session.database import SummaryStore
from emg_session.errors import DatabaseUnavailable, Failure, SchemaMismatch

# The kubelet gives a probe one second; the receiver, which can do without the database, has better to do than wait.
_SECONDS_TO_ASK, _SECONDS_TO_LOOK = 0.8, 0.2
# Anybody may ask, as often as they like, over connections that sessions need. Longer than any answer takes.
_SECONDS_KEPT = 1.0


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The program runs."""

    alive: bool = True


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The program can do its work; of the database, `ok`, `away` or `on another schema`."""

    ready: bool = True
    database: str


@dataclass(kw_only=True)
class Health:
    """The receiver works without a database (the worker writes the row later), the signals API does not."""

    summaries: SummaryStore
    needs_database: bool
    now: Callable[[], float] = time.monotonic
    _asked_at: float = field(default=float("-inf"), init=False, repr=False)
    _answer: "asyncio.Task[Failure | None] | None" = field(default=None, init=False, repr=False)

    async def alive(self, _request: Request) -> Response:
        """GET /livez: the program runs."""
        return json_response(Alive())

    async def ready(self, _request: Request) -> Response:
        """GET /readyz: a problem where the database is needed and away or on another schema."""
        failure = await self._failure()
        if failure is not None and self.needs_database:
            raise failure.with_traceback(None)  # it is raised again and again, and would keep every request's frames
        return json_response(Ready(database=_word(failure)))

    async def _failure(self) -> Failure | None:
        """Return what the database answered within the last second, or ask."""
        if self._answer is None or self.now() - self._asked_at >= _SECONDS_KEPT:
            self._answer, self._asked_at = asyncio.create_task(self._ask()), self.now()
        return await asyncio.shield(self._answer)

    async def _ask(self) -> Failure | None:
        asking = asyncio.create_task(self.summaries.check_schema())
        await asyncio.wait([asking], timeout=_SECONDS_TO_ASK if self.needs_database else _SECONDS_TO_LOOK)
        if not asking.done():
            asking.cancel()  # and not waited for: letting go of a silent server takes its time too
            return DatabaseUnavailable("the database did not answer in time")
        failure = asking.exception()
        if failure is None or isinstance(failure, Failure):
            return failure
        raise failure


def _word(failure: Failure | None) -> str:
    match failure:
        case None:
            return "ok"
        case SchemaMismatch():
            return "on another schema"
        case _:
            return "away"
