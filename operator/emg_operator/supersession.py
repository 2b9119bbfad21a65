"""Whether a session is about the version that storage has: order and workers only hint at it, storage decides. Pure."""

from datetime import datetime

from emg_operator.run import Run
from emg_operator.settings import OperatorSettings
from emg_operator.situation import Situation
from emg_operator.surroundings import NotReadable, Readable
from emg_session.contract import ExitCode
from emg_session.resource import EMGSession
from emg_session.status import Reason

_LEAST_PAUSE_S, _MOST_PAUSE_S = 60.0, 3600.0


def is_superseded(situation: Situation) -> bool | None:
    """Whether storage no longer has this version; None: ask it, as it knows better than any order of notices."""
    rival, worker_found_another = situation.surroundings.rival, _found_another(situation.run)
    if rival is None and not worker_found_another:
        return False
    match situation.surroundings.object:
        case NotReadable.NOT_ASKED:
            return None
        case NotReadable.OTHER_VERSION:
            return True
        case Readable(size_bytes=int()) | NotReadable.UNREACHABLE | NotReadable.FORBIDDEN:
            return False
        case _:
            return worker_found_another or (rival is not None and rival.is_newer)


def by_what(situation: Situation) -> str:
    """Say what a superseded session is superseded by."""
    rival = situation.surroundings.rival
    if rival is not None and rival.is_newer:
        return f"{rival.session} is about a newer version of the object"
    return "storage holds another version of the object now"


def can_come_back(session: EMGSession, run: Run, settings: OperatorSettings) -> bool:
    """Whether a finished session would go on if storage had its version again: the same bytes, uploaded once more."""
    most = session.spec.job.max_attempts or settings.most_attempts
    return session.status.reason is Reason.SUPERSEDED and len(run.attempts) < most


def seconds_until_look(session: EMGSession, now: datetime) -> float:
    """Return when to ask storage about a superseded session again: after as long as it has been one already."""
    since = session.status.finished_at or session.created_at
    return min(max((now - since).total_seconds(), _LEAST_PAUSE_S), _MOST_PAUSE_S)


def _found_another(run: Run) -> bool:
    return run.newest is not None and run.newest.exit_code == ExitCode.BYTES_CHANGED
