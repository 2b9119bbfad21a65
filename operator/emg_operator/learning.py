"""What attempts of a profile used of the memory predicted for them: from the sessions that are there, nothing else."""

from bisect import bisect_left, insort
from collections import defaultdict

from emg_operator.memory import STEP, predicted_mib
from emg_operator.settings import OperatorSettings
from emg_session.resource import EMGSession
from emg_session.status import Reason

_LEAST_SESSIONS = 20
_PERCENTILE = 99


class Learned:
    """The share of its prediction, in permille, that each finished session used, by profile."""

    def __init__(self, settings: OperatorSettings) -> None:
        self._settings = settings
        self._shares: defaultdict[str, list[int]] = defaultdict(list)  # sorted
        self._of: dict[str, tuple[str, int]] = {}

    def observe(self, session: EMGSession) -> None:
        """Learn from a finished session; its size has to be known, as without it the prediction was none."""
        self.forget(session.key)
        used_mib, size_bytes = _used_mib(session), session.spec.recording.size_bytes
        if not session.status.finished or used_mib is None or size_bytes is None:
            return
        share = 1000 * used_mib // predicted_mib(size_bytes, self._settings)
        self._of[session.key] = session.spec.profile, share
        insort(self._shares[session.spec.profile], share)

    def forget(self, name: str) -> None:
        """Drop what a session told."""
        if told := self._of.pop(name, None):
            profile, share = told
            shares = self._shares[profile]
            del shares[bisect_left(shares, share)]

    def permille(self, profile: str) -> int | None:
        """Return what 99 % of the profile's sessions stayed within; None while there are too few to tell."""
        shares = self._shares.get(profile, [])
        if len(shares) < _LEAST_SESSIONS:
            return None
        return shares[-(-len(shares) * _PERCENTILE // 100) - 1]


def _used_mib(session: EMGSession) -> int | None:
    """Return what its attempts used; one that was killed for memory would have used more than it had."""
    told = [attempt.used_mib for attempt in session.status.attempts if attempt.used_mib is not None]
    if told:
        return max(told)
    killed = [a.memory_mib for a in session.status.attempts if a.reason is Reason.OUT_OF_MEMORY]
    return STEP * max(killed) if killed else None
