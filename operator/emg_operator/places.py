"""Places for Jobs that run at the same time, shared fairly between subjects."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable
from datetime import datetime

_Waiting = tuple[datetime, str]


class Places:
    """At most `most` sessions have a Job at a time (0: no bound); `wake` is told who gets a place that became free.

    A free place goes to the subject with the fewest, within it to the session that is the oldest.
    """

    def __init__(self, most: int, wake: Callable[[str], None]) -> None:
        self._most = most
        self._wake = wake
        self._holders: dict[str, str] = {}  # session → subject
        self._held: Counter[str] = Counter()
        self._lines: dict[str, list[_Waiting]] = {}
        self._in_line: dict[str, tuple[str, _Waiting]] = {}

    def take(self, name: str, subject: str, since: datetime) -> bool:
        """Take a place for a session, or stand in line; asking again changes nothing."""
        if name in self._holders:
            return True
        if not self._most or len(self._holders) < self._most:
            self.hold(name, subject)
            return True
        if name not in self._in_line:
            self._in_line[name] = subject, (since, name)
            insort(self._lines.setdefault(subject, []), (since, name))
        return False

    def hold(self, name: str, subject: str) -> None:
        """Note that a session has a Job, however it came to it."""
        self._leave_line(name)
        if name not in self._holders:
            self._holders[name] = subject
            self._held[subject] += 1

    def release(self, name: str) -> None:
        """Note that a session has no Job and wants none now; whoever is next is woken."""
        self._leave_line(name)
        subject = self._holders.pop(name, None)
        if subject is None:
            return
        self._held[subject] -= 1
        while self._lines and len(self._holders) < self._most:
            self._give()

    def _give(self) -> None:
        subject = min(self._lines, key=lambda subject: (self._held[subject], self._lines[subject][0]))
        _, name = self._lines[subject][0]
        self.hold(name, subject)
        self._wake(name)

    def _leave_line(self, name: str) -> None:
        if place := self._in_line.pop(name, None):
            subject, waiting = place
            line = self._lines[subject]
            del line[bisect_left(line, waiting)]
            if not line:
                del self._lines[subject]
