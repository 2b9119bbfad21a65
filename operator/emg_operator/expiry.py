"""When a finished session goes: in time, and a good one only while its summary is in the database. Pure."""

from datetime import datetime, timedelta

from emg_operator.settings import OperatorSettings
from emg_session.resource import DEFAULT_TTL_SECONDS, EMGSession
from emg_session.status import Reason


def seconds_left(session: EMGSession, now: datetime, settings: OperatorSettings) -> float:
    """Return how long a finished session stays; a failed one longer, so that somebody can look into it."""
    asked_s = session.spec.ttl_seconds_after_finished
    stays_s = DEFAULT_TTL_SECONDS if asked_s is None else asked_s
    if session.status.failed and session.status.reason is not Reason.SUPERSEDED:
        stays_s = max(stays_s, settings.failed_ttl_seconds)
    finished_at = session.status.finished_at or session.created_at
    return (finished_at + timedelta(seconds=stays_s) - now).total_seconds()
