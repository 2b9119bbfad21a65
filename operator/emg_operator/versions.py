"""Which sessions are about the same object, and which of them about its newest version."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from emg_operator.surroundings import Rival
from emg_session.object_order import UNKNOWN_ORDER, ObjectOrder
from emg_session.resource import EMGSession
from emg_session.status import Reason


@dataclass(frozen=True)
class _Version:
    version: str
    order: ObjectOrder
    created_at: datetime
    superseded: bool

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
        """Take a session in; return the others of its object where that is news for them.

        One that arrives may supersede those that go on; once one is superseded, storage may have the version of one
        that was superseded before it.
        """
        uri, version = session.spec.recording.uri, _version(session)
        if self._objects.get(uri, {}).get(session.key) == version:
            return []
        self.forget(session.key)
        others = [name for name, other in self._objects[uri].items() if other.superseded is version.superseded]
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

    def rival_of(self, session: EMGSession) -> Rival | None:
        """Name the session of the newest version, or where there is none, one of which nobody knows if it is newer."""
        mine = _version(session)
        known = self._objects.get(session.spec.recording.uri, {})
        others = {name: v for name, v in known.items() if not v.superseded and v.version != mine.version}
        newest = _newest(mine, others)
        if newest is not None:
            return Rival(session=_name(newest), is_newer=True)
        unlike = (name for name, version in others.items() if not mine.is_newer_than(version))
        return next((Rival(session=_name(name), is_newer=False) for name in unlike), None)


def _newest(mine: _Version, others: Mapping[str, _Version]) -> str | None:
    """Name a version that is newer than this one and older than none; orders can run in a circle."""
    newest, found = mine, None
    for name, version in others.items():
        if version.is_newer_than(newest):
            newest, found = version, name
    in_a_circle = any(version.is_newer_than(newest) for version in (mine, *others.values()))
    return None if in_a_circle else found


def _version(session: EMGSession) -> _Version:
    superseded = session.status.failed and session.status.reason is Reason.SUPERSEDED
    return _Version(session.spec.recording.version, session.order, session.created_at, superseded)


def _name(key: str) -> str:
    return key.rpartition("/")[2]
