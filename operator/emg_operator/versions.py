"""Which sessions are about the same object, and which of them about its newest version."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from emg_session.object_order import UNKNOWN_ORDER, ObjectOrder
from emg_session.resource import EMGSession
from emg_session.status import Reason


@dataclass(frozen=True)
class _Version:
    version: str
    order: ObjectOrder
    created_at: datetime

    def is_newer_than(self, other: "_Version") -> bool:
        """Compare by what storage and sender say, by creation where one of the two was made without."""
        if UNKNOWN_ORDER in (self.order, other.order):
            return self.created_at > other.created_at
        return self.order.is_newer_than(other.order)


class Versions:
    """The versions that sessions are about, by object."""

    def __init__(self) -> None:
        self._objects: defaultdict[str, dict[str, _Version]] = defaultdict(dict)
        self._object_of: dict[str, str] = {}

    def observe(self, session: EMGSession) -> list[str]:
        """Take a session in; return the others of its object where that is news for them."""
        uri, version = session.spec.recording.uri, _version(session)
        if self._objects.get(uri, {}).get(session.key) == version and not _is_superseded(session):
            return []
        self.forget(session.key)
        if _is_superseded(session):  # it never supersedes another
            return []
        others = list(self._objects[uri])
        self._objects[uri][session.key] = version
        self._object_of[session.key] = uri
        return others

    def forget(self, name: str) -> None:
        """Drop a session that is gone."""
        uri = self._object_of.pop(name, None)
        if uri is not None:
            del self._objects[uri][name]
            if not self._objects[uri]:
                del self._objects[uri]

    def newer_than(self, session: EMGSession) -> str | None:
        """Name the session of a newer version that none is newer than; where orders run in a circle, none."""
        mine = _version(session)
        known = {n: v for n, v in self._objects.get(session.spec.recording.uri, {}).items() if n != session.key}
        newer = (name for name, version in known.items() if _supersedes(version, mine))
        every = [*known.values(), mine]
        return next((n.rpartition("/")[2] for n in newer if not any(_supersedes(v, known[n]) for v in every)), None)


def _version(session: EMGSession) -> _Version:
    return _Version(session.spec.recording.version, session.order, session.created_at)


def _supersedes(one: _Version, other: _Version) -> bool:
    return one.version != other.version and one.is_newer_than(other)


def _is_superseded(session: EMGSession) -> bool:
    return session.status.failed and session.status.reason is Reason.SUPERSEDED
