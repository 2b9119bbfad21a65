"""What to do next for a session. Pure and level-based: the whole state in, one answer out, whatever happened before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from emg_operator.job_view import KILLED, JobState, JobView
from emg_operator.progress import Progress, Views, status_of
from emg_operator.settings import OperatorSettings
from emg_session.resource import EMGSession
from emg_session.status import Reason, SessionStatus, Truth
from emg_session.summary import SummaryFacts

_DATABASE_AGAIN_S = 5.0
_REFUSED_AGAIN_S = 60.0
_LONGEST_PAUSE_S = 3600.0
_MEMORY_STEP = 2
_WORTH_ANOTHER_ATTEMPT = frozenset(
    {Reason.OUT_OF_MEMORY, Reason.STORAGE_UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, Reason.WAITING_FOR_OBJECT}
)


class NoSummary(StrEnum):
    """Why no summary of the session is known."""

    NOT_ASKED = "NotAsked"
    UNREACHABLE = "Unreachable"
    MISSING = "Missing"


DatabaseState = SummaryFacts | NoSummary


@dataclass(frozen=True, kw_only=True)
class AttemptPlan:
    """A Job to make."""

    number: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The answer: a Job to make first, if any; the status to show; when to look again though nothing changes."""

    status: SessionStatus
    attempt: AttemptPlan | None = None
    again_after_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Decision:
    progress: Progress
    attempt: AttemptPlan | None = None
    again_after_s: float | None = None


def decide_next(
    session: EMGSession, jobs: Sequence[JobView], database: DatabaseState, now: datetime, settings: OperatorSettings
) -> NextStep:
    """Return the one next step of a session."""
    if session.status.finished:
        return NextStep(status=session.status)
    newest = max(jobs, key=lambda job: job.attempt, default=None)
    decision = _Situation(session, database, now, settings).decide(newest)
    views = Views(jobs=jobs, job_is_made=decision.attempt is not None)
    return NextStep(
        status=status_of(session, views, decision.progress, now),
        attempt=decision.attempt,
        again_after_s=decision.again_after_s,
    )


@dataclass(frozen=True)
class _Situation:
    session: EMGSession
    database: DatabaseState
    now: datetime
    settings: OperatorSettings

    def decide(self, newest: JobView | None) -> _Decision:
        if newest is None:
            return self._without_job()
        match newest.state:
            case JobState.WAITING:
                return _waiting(Reason.QUEUED, f"{newest.name} waits for a place to run")
            case JobState.RUNNING:
                return _waiting(Reason.RUNNING, f"{newest.name} runs")
            case JobState.SUCCEEDED:
                return self._after_success(newest)
            case JobState.FAILED:
                return self._after_failure(newest)

    def _without_job(self) -> _Decision:
        if self.session.spec.suspend:
            return _suspended()
        # A Job that the status knows but nobody sees was deleted, or is not seen yet: making it again is harmless.
        known = self.session.status.attempts
        memory_mib = known[-1].memory_mib if known else first_memory_mib(self.session, self.settings)
        plan = AttemptPlan(number=max(1, len(known)), memory_mib=memory_mib)
        return _Decision(progress=Progress(Truth.UNKNOWN, Reason.QUEUED, "a Job was made"), attempt=plan)

    def _after_success(self, newest: JobView) -> _Decision:
        match self.database:
            case SummaryFacts() as facts:
                return _completed(facts)
            case NoSummary.MISSING:
                return self._another_attempt(newest, Reason.INTERNAL_ERROR, "the summary is not stored")
            case NoSummary.UNREACHABLE | NoSummary.NOT_ASKED:
                message = "the Job is done, but the database can't be asked for its summary"
                return _waiting(Reason.DATABASE_UNAVAILABLE, message, again_after_s=_DATABASE_AGAIN_S)

    def _after_failure(self, newest: JobView) -> _Decision:
        if isinstance(self.database, SummaryFacts):  # killed after it had stored
            return _completed(self.database)
        reason = newest.reason or Reason.INTERNAL_ERROR
        killed = reason is Reason.INTERNAL_ERROR and newest.exit_code in KILLED
        if killed or reason in _WORTH_ANOTHER_ATTEMPT:
            return self._another_attempt(newest, reason, newest.message)
        return _failed(reason, newest.message)

    def _another_attempt(self, newest: JobView, reason: Reason, message: str) -> _Decision:
        most = self.session.spec.job.max_attempts or self.settings.most_attempts
        memory_mib = self._next_memory_mib(newest, reason)
        no_more_memory = reason is Reason.OUT_OF_MEMORY and memory_mib == newest.memory_mib
        if newest.attempt >= most or no_more_memory:
            return _failed(reason, f"{message}; given up after {newest.attempt} of {most} attempts")
        if self.session.spec.suspend:
            return _suspended()
        wait_s = self._seconds_until_retry(newest, reason)
        if wait_s > 0:
            return _waiting(Reason.RETRYING, f"{message}; attempt {newest.attempt + 1} follows", again_after_s=wait_s)
        plan = AttemptPlan(number=newest.attempt + 1, memory_mib=memory_mib)
        return _Decision(progress=Progress(Truth.UNKNOWN, Reason.RETRYING, message), attempt=plan)

    def _next_memory_mib(self, newest: JobView, reason: Reason) -> int:
        if reason is not Reason.OUT_OF_MEMORY:
            return newest.memory_mib
        return max(newest.memory_mib, min(newest.memory_mib * _MEMORY_STEP, self.settings.most_memory_mib))

    def _seconds_until_retry(self, newest: JobView, reason: Reason) -> float:
        """Back off from what may come back by itself; more memory helps at once."""
        if reason is Reason.OUT_OF_MEMORY or newest.finished_at is None:
            return 0.0
        pause_s = min(float(self.settings.retry_seconds << (newest.attempt - 1)), _LONGEST_PAUSE_S)
        waited_s = (self.now - newest.finished_at).total_seconds()
        return min(max(0.0, pause_s - waited_s), pause_s)


def first_memory_mib(session: EMGSession, settings: OperatorSettings) -> int:
    """Return the memory of the first attempt: programs and libraries, and four times the recording."""
    if session.spec.job.memory_mib:
        return session.spec.job.memory_mib
    recording_mib = (session.spec.recording.size_bytes or 0) // 2**20
    return min(settings.memory_mib + 4 * recording_mib, settings.most_memory_mib)


def refused_step(session: EMGSession, jobs: Sequence[JobView], refusal: str, now: datetime) -> NextStep:
    """Return what follows when the API server does not take the Job that was decided on."""
    progress = Progress(Truth.UNKNOWN, Reason.PENDING, f"the API server does not take the Job: {refusal}")
    status = status_of(session, Views(jobs=jobs, job_is_made=False), progress, now)
    return NextStep(status=status, again_after_s=_REFUSED_AGAIN_S)


def _completed(facts: SummaryFacts) -> _Decision:
    sentence = f"{facts.result.contractions} contractions in {facts.channel_count} channels"
    return _Decision(progress=Progress(Truth.TRUE, Reason.COMPLETED, sentence, facts))


def _suspended() -> _Decision:
    return _waiting(Reason.SUSPENDED, "spec.suspend is true; set it to false to go on")


def _waiting(reason: Reason, message: str, again_after_s: float | None = None) -> _Decision:
    return _Decision(progress=Progress(Truth.UNKNOWN, reason, message), again_after_s=again_after_s)


def _failed(reason: Reason, message: str) -> _Decision:
    return _Decision(progress=Progress(Truth.FALSE, reason, message))
