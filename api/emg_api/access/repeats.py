"""Reads that tell an auditor nothing new: a list in sight is asked for every few seconds, and answered 304."""

from collections import OrderedDict
from datetime import datetime, timedelta

import msgspec

from emg_session.audit import AuditEntry

_TOLD_AGAIN_AFTER = timedelta(hours=1)
_MOST_REMEMBERED = 10_000
_UNCHANGED = 304
_SHOWN = (200, _UNCHANGED)


class Repeats:
    """Remembers which lists were told of within the hour; those of longest ago it forgets, and they are told again."""

    def __init__(self) -> None:
        self._told: OrderedDict[bytes, datetime] = OrderedDict()

    def is_news(self, entry: AuditEntry) -> bool:
        """Whether the line has to be written: a 304 of a list that was written lately need not be."""
        if entry.session_code is not None:
            return True
        about = msgspec.json.encode([entry.caller, entry.operation, entry.asked, entry.reason])
        told = self._told.get(about)
        if entry.status == _UNCHANGED and told and timedelta() <= entry.at - told < _TOLD_AGAIN_AFTER:
            return False
        if entry.status in _SHOWN:  # who was refused has seen nothing that a 304 could be of
            self._remember(about, entry.at)
        return True

    def _remember(self, about: bytes, at: datetime) -> None:
        self._told[about] = at
        self._told.move_to_end(about)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
