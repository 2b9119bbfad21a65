"""Where sessions stand that have no summary: the cluster knows, and is asked for a few at a time and not for long."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from emg_api.refusals import TooBusy
from emg_api.turns import Turns
from emg_session.errors import ClusterUnavailable, InvalidSession
from emg_session.session_store import SessionStore
from emg_session.status import Reason, SessionStatus

_NOT_SEEN = "the operator has not seen the session yet"
# The page of the viewer; a list is no reason to ask the cluster for a thousand sessions.
_MOST_ASKED = 50
_SECONDS = 1.0
_REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 10_000
_LEFT_ALONE_SECONDS = 60.0
_ADVICE = "Give the account `get` on emgsessions.emg.ghostly, or set EMG_SESSION_STANDINGS=0"

_log = logging.getLogger(__name__)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stands: `reason` is the one word of `kubectl get emgsessions`."""

    reason: Reason
    finished: bool
    message: str


def standing_of(status: SessionStatus) -> Standing:
    """Return where a session stands by its status."""
    return Standing(
        reason=status.reason, finished=status.finished, message=status.top.message if status.top else _NOT_SEEN
    )


class _LastKnown:
    """What was told of sessions within the minute, None of one that is not there; the oldest is forgotten."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[float, Standing | None]] = OrderedDict()

    def keep(self, name: str, standing: Standing | None, now: float) -> None:
        self._told[name] = now, standing
        self._told.move_to_end(name)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)

    def of(self, name: str, now: float) -> Standing | None:
        told_at, standing = self._told.get(name, (-math.inf, None))
        return standing if now - told_at < _REMEMBERED_SECONDS else None

    def told_at(self, name: str) -> float:
        return self._told.get(name, (-math.inf, None))[0]


@dataclass(kw_only=True)
class Standings:
    """Answers from where sessions are kept; without such a place nothing is known.

    Whom the second or a turn is too short for is told what was known last, or lists would change at every look. Where
    the cluster says that we may not ask, it is left alone for a minute.
    """

    sessions: SessionStore | None = None
    clock: Callable[[], float] = time.monotonic
    _turns: Turns = field(default_factory=Turns, init=False, repr=False)
    _known: _LastKnown = field(default_factory=_LastKnown, init=False, repr=False)
    _refused_until: float = field(default=-math.inf, init=False)

    async def of(self, names: Sequence[str]) -> Mapping[str, Standing]:
        """Return where sessions stand, of the first fifty those that can be told within a second."""
        asked = names[:_MOST_ASKED]
        if self.sessions is not None and self.clock() >= self._refused_until:
            await self._ask(self.sessions, asked)
        now = self.clock()
        return {name: standing for name in asked if (standing := self._known.of(name, now))}

    async def _ask(self, sessions: SessionStore, names: Sequence[str]) -> None:
        """Ask for a second, first of those of whom nothing was told for longest."""
        tasks = [asyncio.create_task(self._look(sessions, name)) for name in sorted(names, key=self._known.told_at)]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _look(self, sessions: SessionStore, name: str) -> None:
        try:
            async with self._turns.turn():
                if self.clock() >= self._refused_until:
                    session = await sessions.load(name)
                    self._known.keep(name, standing_of(session.status) if session else None, self.clock())
        except ClusterUnavailable as failure:
            if failure.refused:
                self._leave_alone(failure)
        except InvalidSession:
            self._known.keep(name, None, self.clock())
        except TooBusy:
            return

    def _leave_alone(self, failure: ClusterUnavailable) -> None:
        if self.clock() >= self._refused_until:
            _log.warning("no session can be told why it has no result: %s. %s", failure, _ADVICE)
        self._refused_until = self.clock() + _LEFT_ALONE_SECONDS
