"""What a decision is taken on, and what one looks like. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emg_operator.job_view import JobState, JobView
from emg_operator.manifests import AttemptPlan
from emg_operator.progress import Progress
from emg_operator.run import Run
from emg_operator.settings import OperatorSettings
from emg_operator.surroundings import DatabaseState, Question, Surroundings
from emg_session.resource import EMGSession
from emg_session.status import Reason, Truth

# A watch brings every change; this is for the day one does not.
LOOK_AGAIN_S = 300.0
_OUTAGE_AGAIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything that is known of a session at one moment."""

    session: EMGSession
    run: Run
    database: DatabaseState
    surroundings: Surroundings
    now: datetime
    settings: OperatorSettings


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How far the session is, Jobs to stop, a Job to make, and when to look again though nothing changes."""

    progress: Progress
    stop: tuple[JobView, ...] = ()
    attempt: AttemptPlan | None = None
    again_after_s: float | None = None


Answer = Decision | Question


def waiting(reason: Reason, message: str, again_after_s: float = LOOK_AGAIN_S) -> Decision:
    """Wait for something to change."""
    return Decision(progress=Progress(Truth.UNKNOWN, reason, message), again_after_s=again_after_s)


def outage(reason: Reason, message: str) -> Decision:
    """Wait for a server that does not answer."""
    return waiting(reason, message, _OUTAGE_AGAIN_S)


def failed(reason: Reason, message: str) -> Decision:
    """End without a summary."""
    return Decision(progress=Progress(Truth.FALSE, reason, message))


def stopping(jobs: Sequence[JobView], reason: Reason, message: str) -> Decision:
    """Stop what neither ends by itself nor is being stopped yet, and wait until it is gone or over."""
    stop = tuple(job for job in jobs if job.state not in (JobState.STOPPING, JobState.SUCCEEDED))
    return Decision(progress=Progress(Truth.UNKNOWN, reason, message), stop=stop, again_after_s=LOOK_AGAIN_S)
