"""What to do next for a session. Pure and level-based: the whole state in, one answer out, whatever happened before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emg_operator import memory
from emg_operator.expiry import seconds_left
from emg_operator.job_view import KILLED, JobState, JobView
from emg_operator.manifests import AttemptPlan
from emg_operator.progress import Progress, status_of
from emg_operator.run import Run
from emg_operator.settings import OperatorSettings
from emg_operator.situation import Answer, Decision, Situation, failed, outage, stopping, waiting
from emg_operator.starting import queued, start
from emg_operator.supersession import by_what, can_come_back, is_superseded, seconds_until_look
from emg_operator.surroundings import (
    DatabaseState,
    NoSummary,
    NotReadable,
    Question,
    Readable,
    Surroundings,
)
from emg_session.contract import ExitCode
from emg_session.resource import EMGSession
from emg_session.status import Attempt, Reason, SessionStatus, Truth
from emg_session.summary import SummaryFacts

_REFUSED_AGAIN_S = 60.0
_LONGEST_PAUSE_S = 3600.0
_DAY_S = 86_400.0
_WORTH_ANOTHER_ATTEMPT = frozenset(
    {
        Reason.OUT_OF_MEMORY,
        Reason.STORAGE_UNAVAILABLE,
        Reason.DATABASE_UNAVAILABLE,
        Reason.WAITING_FOR_OBJECT,
        Reason.SUPERSEDED,  # by its worker's word alone: storage has the version again
    }
)
# Whether bytes that changed have changed for good, storage tells.
_NEVER_BETTER = frozenset(code.value for code in ExitCode if code.about_the_recording) - {ExitCode.BYTES_CHANGED}


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The answer: a question to answer first; or a status to show, then Jobs to stop, a Job to make, or the end.

    `occupies` says whether the session takes up one of the places for Jobs; `again_after_s` when to look again though
    nothing changes.
    """

    status: SessionStatus
    ask: Question | None = None
    stop: tuple[JobView, ...] = ()
    attempt: AttemptPlan | None = None
    remove: bool = False
    occupies: bool = False
    again_after_s: float | None = None


def decide_next(
    session: EMGSession,
    jobs: Sequence[JobView],
    database: DatabaseState,
    now: datetime,
    settings: OperatorSettings,
    *,
    surroundings: Surroundings,
) -> NextStep:
    """Return the one next step of a session."""
    run = Run.of(session, jobs)
    situation = Situation(
        session=session, run=run, database=database, surroundings=surroundings, now=now, settings=settings
    )
    if session.status.finished and not run.begins and (rest := _after_the_end(situation)):
        return rest
    # Nobody keeps a finished session's Jobs in mind.
    if (session.status.finished or run.begins) and not surroundings.has_all_children:
        return NextStep(status=session.status, ask=Question.CHILDREN)
    living = _with_jobs(situation)
    if living is None and _was_erased(run):
        return NextStep(status=session.status, remove=True)
    answer = living or _without_jobs(situation)
    if isinstance(answer, Question):
        return NextStep(status=session.status, ask=answer)
    return _next_step(situation, answer)


def refused_step(
    session: EMGSession, jobs: Sequence[JobView], surroundings: Surroundings, refusal: str, now: datetime
) -> NextStep:
    """Return what follows when the API server does not take the Job that was decided on; its place is free."""
    progress = Progress(Truth.UNKNOWN, Reason.PENDING, f"the API server does not take the Job: {refusal}")
    status = status_of(session, Run.of(session, jobs), surroundings, progress, now)
    return NextStep(status=status, again_after_s=_REFUSED_AGAIN_S)


def _was_erased(run: Run) -> bool:
    """Whether the worker found that the recording must not come back: the session is removed, and not at fault."""
    return run.newest is not None and run.newest.ended and run.newest.exit_code == ExitCode.ERASED


def _next_step(situation: Situation, decision: Decision) -> NextStep:
    session, run = situation.session, situation.run
    has_job = decision.attempt is not None or run.is_unfinished
    return NextStep(
        status=status_of(session, run, situation.surroundings, decision.progress, situation.now, plan=decision.attempt),
        stop=decision.stop,
        attempt=decision.attempt,
        occupies=has_job and not session.spec.job.queue_name,
        again_after_s=decision.again_after_s,
    )


def _after_the_end(situation: Situation) -> NextStep | None:
    """Wait until the session's time has come, make sure of the row, let the object go; None: it goes on once more."""
    session, now = situation.session, situation.now
    left_s = seconds_left(session, now, situation.settings)
    if left_s > 0:
        return _while_it_rests(situation, min(left_s, _DAY_S))
    if session.status.failed or isinstance(situation.database, SummaryFacts):
        return NextStep(status=session.status, remove=True)
    if situation.database is NoSummary.NOT_ASKED:
        return NextStep(status=session.status, ask=Question.DATABASE)
    return NextStep(status=session.status, again_after_s=_LONGEST_PAUSE_S)


def _while_it_rests(situation: Situation, pause_s: float) -> NextStep | None:
    session = situation.session
    if not can_come_back(session, situation.run, situation.settings):
        return NextStep(status=session.status, again_after_s=pause_s)
    match situation.surroundings.object:
        case NotReadable.NOT_ASKED:
            return NextStep(status=session.status, ask=Question.OBJECT)
        case Readable(size_bytes=int()):
            return None
    again_after_s = min(pause_s, seconds_until_look(session, situation.now))
    return NextStep(status=session.status, again_after_s=again_after_s)


def _with_jobs(situation: Situation) -> Answer | None:
    """Decide while a Job may run: no other is made meanwhile."""
    run, session = situation.run, situation.session
    if run.surplus:
        return stopping(run.surplus, Reason.QUEUED, "Jobs of an earlier run or attempt are being stopped")
    if run.live is None:
        return None
    match is_superseded(situation):
        case None:
            return Question.OBJECT
        case True:
            return stopping((run.live,), Reason.SUPERSEDED, f"{run.live.name} is being stopped: {by_what(situation)}")
    if session.spec.suspend:
        return stopping((run.live,), Reason.SUSPENDED, f"{run.live.name} is being stopped: spec.suspend is true")
    return _while_it_lives(situation, run.live)


def _while_it_lives(situation: Situation, job: JobView) -> Decision:
    match job.state:
        case JobState.RUNNING:
            return waiting(Reason.RUNNING, f"{job.name} runs")
        case JobState.STOPPING:
            return waiting(Reason.QUEUED, f"{job.name} is being deleted; another follows")
        case JobState.SUSPENDED:
            queue = situation.session.spec.job.queue_name
            waits_for = f"queue {queue}" if queue else "somebody to set its spec.suspend to false"
            return waiting(Reason.QUEUED, f"{job.name} is suspended and waits for {waits_for}")
        case _ if job.message:
            return waiting(Reason.RETRYING, f"{job.message}; another pod follows")
        case _:
            return _while_it_waits(situation, job)


def _while_it_waits(situation: Situation, job: JobView) -> Decision:
    """Tell of trouble once it has lasted: for a moment there often is some."""
    if job.trouble is None:
        return queued(job.name)
    since = job.trouble.since or job.created_at or situation.now
    grace_s = float(situation.settings.trouble_grace_seconds)
    left_s = min(grace_s - (situation.now - since).total_seconds(), grace_s)
    if left_s > 0:
        return queued(job.name, left_s)
    return waiting(Reason.PENDING, f"{job.name} can't start: {job.trouble.message}")


def _without_jobs(situation: Situation) -> Answer:
    """Decide while no Job runs: what came of the newest attempt, then whether to make one."""
    newest, job = situation.run.newest, situation.run.newest_job
    unseen = newest is not None and job is None and not newest.ended
    if unseen and not situation.surroundings.has_all_children:
        return Question.CHILDREN
    if newest and newest.ended and newest.exit_code in _NEVER_BETTER and newest.reason is not Reason.OUT_OF_MEMORY:
        return failed(newest.reason or Reason.BAD_RECORDING, _what_happened(newest, job))  # it stored nothing
    return _by_the_row(situation) or _by_the_newest_attempt(situation)


def _by_the_row(situation: Situation) -> Answer | None:
    """Success is the summary in the database, whatever became of the Job."""
    newest = situation.run.newest
    # Where a run was asked for again, the row of an earlier one may be there: only this run's success counts.
    counts = situation.session.rerun is None or (newest is not None and newest.reason is Reason.COMPLETED)
    match situation.database:
        case NoSummary.NOT_ASKED:
            return Question.DATABASE
        case SummaryFacts() as facts if counts:
            sentence = f"{facts.result.contractions} contractions in {facts.channel_count} channels"
            return Decision(progress=Progress(Truth.TRUE, Reason.COMPLETED, sentence, facts))
        case NoSummary.UNREACHABLE if newest:
            return outage(Reason.DATABASE_UNAVAILABLE, "the database can't be asked for the summary")
    return None


def _by_the_newest_attempt(situation: Situation) -> Answer:
    newest, job = situation.run.newest, situation.run.newest_job
    match is_superseded(situation):
        case None:
            return Question.OBJECT
        case True:
            return failed(Reason.SUPERSEDED, by_what(situation))
    if newest is None:
        return start(situation, situation.run.next_number)
    if job and not job.over:
        return waiting(Reason.RUNNING, f"{job.name} is about to end")
    return _after(situation, newest, newest.reason, _what_happened(newest, job))


def _after(situation: Situation, newest: Attempt, reason: Reason | None, message: str) -> Answer:
    if reason is None:  # planned, or its Job was deleted, which is no failure
        return start(situation, newest.number, _planned_mib(situation, newest))
    if reason is Reason.COMPLETED:
        return _another_attempt(situation, newest, Reason.INTERNAL_ERROR, "the summary is not stored")
    # Without an exit code the pod was gone before anybody saw it: that is nobody's failure.
    killed = reason is Reason.INTERNAL_ERROR and newest.exit_code in (None, *KILLED)
    if killed or reason in _WORTH_ANOTHER_ATTEMPT:
        return _another_attempt(situation, newest, reason, message)
    return failed(reason, message)


def _planned_mib(situation: Situation, newest: Attempt) -> int:
    """Return what was planned; for a first attempt what the spec says by now, as a refusal may have led to an edit."""
    is_first = len(situation.run.attempts) == 1
    return (is_first and situation.session.spec.job.memory_mib) or newest.memory_mib


def _another_attempt(situation: Situation, newest: Attempt, reason: Reason, message: str) -> Answer:
    most = situation.session.spec.job.max_attempts or situation.settings.most_attempts
    made = len(situation.run.attempts)
    out_of_memory = reason is Reason.OUT_OF_MEMORY
    memory_mib = memory.next_mib(newest.memory_mib, situation.settings) if out_of_memory else newest.memory_mib
    if made >= most or (out_of_memory and memory_mib == newest.memory_mib):
        return failed(reason, f"{message}; given up after {made} of {most} attempts")
    wait_s = 0.0 if out_of_memory else _seconds_until_retry(situation, newest)
    if wait_s > 0 and not situation.session.spec.suspend:
        return waiting(Reason.RETRYING, f"{message}; attempt {made + 1} follows", wait_s)
    return start(situation, situation.run.next_number, memory_mib)


def _seconds_until_retry(situation: Situation, newest: Attempt) -> float:
    """Back off from what may come back by itself; a clock that was set back makes nobody wait longer."""
    if newest.finished_at is None:
        return 0.0
    doublings = len(situation.run.attempts) - 1
    pause_s = min(float(situation.settings.retry_seconds << doublings), _LONGEST_PAUSE_S)
    waited_s = (situation.now - newest.finished_at).total_seconds()
    return min(max(0.0, pause_s - waited_s), pause_s)


def _what_happened(attempt: Attempt, job: JobView | None) -> str:
    """Say how an attempt ended, also where its Job is gone."""
    return (job and job.message) or f"{attempt.job} ended with exit code {attempt.exit_code}"
