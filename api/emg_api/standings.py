"""Where sessions stand that have no summary: the cluster knows, and is asked for a few at a time and not for long."""

import asyncio
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, kw_only=True)
class Standings:
    """Answers from where sessions are kept; without such a place nothing is known."""

    sessions: SessionStore | None = None
    _turns: Turns = field(default_factory=Turns, init=False, repr=False)

    async def of(self, names: Sequence[str]) -> Mapping[str, Standing]:
        """Return where sessions stand, of the first fifty those that can be told within a second."""
        if self.sessions is None or not names:
            return {}
        tasks = {name: asyncio.create_task(self._of(self.sessions, name)) for name in names[:_MOST_ASKED]}
        try:
            done, _ = await asyncio.wait(tasks.values(), timeout=_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()
        return {name: found for name, task in tasks.items() if task in done and (found := task.result())}

    async def _of(self, sessions: SessionStore, name: str) -> Standing | None:
        try:
            async with self._turns.turn():
                session = await sessions.load(name)
        except (ClusterUnavailable, InvalidSession, TooBusy):
            return None
        return standing_of(session.status) if session else None
