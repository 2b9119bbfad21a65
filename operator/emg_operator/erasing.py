"""What was erased from the database goes from the cluster as well, and what is older than it may be is erased.

`emg erase` needs no right in the cluster: its tombstones say what has to go, whenever the operator is there.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from emg_operator.bodies import Body
from emg_operator.cluster import Cluster, SessionGone, StatusConflict
from emg_operator.unreadable import read_session
from emg_session.database import SummaryStore
from emg_session.erasure import Erasures
from emg_session.errors import Failure, InvalidSession
from emg_session.resource import EMGSession

log = logging.getLogger(__name__)

EVERY_S = 10.0
_EVERYTHING_EVERY_S = 600.0  # a session may be made while the database, which would have refused it, is away
_EXPIRE_EVERY_S = 3600.0
_AT_ONCE = 500


class Erasing:
    """Looks for new tombstones and for sessions of theirs; `retention_days` 0 keeps everything."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        summaries: SummaryStore,
        erasures: Erasures,
        retention_days: int,
        clock: Callable[[], float],
        every_s: float = EVERY_S,
    ) -> None:
        self._cluster = cluster
        self._summaries = summaries
        self._erasures = erasures
        self._retention_days = retention_days
        self._clock = clock
        self._every_s = every_s
        self._seen: int | None = None
        self._looked_at = self._expired_at = float("-inf")

    async def run(self) -> None:
        """Look until cancelled; what fails is done at a later look."""
        while True:
            try:
                await self.expire()
            except Failure as failure:
                log.warning("what is too old is not erased yet: %s", failure)
            try:
                await self.look()
            except Failure as failure:
                log.warning("what was erased is not removed yet: %s", failure)
            await asyncio.sleep(self._every_s)

    async def expire(self) -> None:
        """Erase what is too old, once an hour, whether or not that works. Raises a Failure."""
        if self._retention_days and self._clock() - self._expired_at >= _EXPIRE_EVERY_S:
            self._expired_at = self._clock()
            expiry = await self._erasures.expire(self._retention_days)
            log.info("retention: %d sessions older than %d days erased", expiry.sessions, self._retention_days)
            for session, needed in expiry.kept.items():
                log.warning("retention: session id %s is not erased: %s", session, needed)

    async def look(self) -> None:
        """Remove the sessions of what was erased. Raises a Failure."""
        newest = await self._erasures.newest_tombstone()
        if newest == self._seen and self._clock() - self._looked_at < _EVERYTHING_EVERY_S:
            return
        if await self._remove_erased():
            self._seen, self._looked_at = newest, self._clock()

    async def _remove_erased(self) -> bool:
        """Go through all sessions; False where one of them was just changing."""
        done, some = True, dict[str, tuple[EMGSession, Body]]()
        async for body in self._cluster.list_sessions():
            session = _parse(body)
            if session:
                some[session.key] = (session, body)
            if len(some) >= _AT_ONCE:
                done, some = await self._remove(some) and done, {}
        return await self._remove(some) and done

    async def _remove(self, some: Mapping[str, tuple[EMGSession, Body]]) -> bool:
        erased = await self._summaries.erased_sessions({key: session.spec for key, (session, _) in some.items()})
        return all([await self._delete(key, some[key][1]) for key in erased])

    async def _delete(self, key: str, body: Body) -> bool:
        try:
            await self._cluster.delete_session(body)
        except SessionGone:
            return True
        except StatusConflict:
            return False
        log.info("session=%s removed: its recording was erased", key)
        return True


def _parse(body: Body) -> EMGSession | None:
    """Return a session; None for one that can't be read."""
    try:
        return read_session(body)
    except InvalidSession:
        return None
