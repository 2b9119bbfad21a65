"""From a decision to the status people read: conditions, attempts and the facts of the result. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from emg_operator.job_view import JobState, JobView
from emg_session.contract import ExitCode
from emg_session.resource import EMGSession
from emg_session.status import Attempt, ConditionType, Reason, SessionStatus, Truth, set_condition
from emg_session.summary import SummaryFacts


@dataclass(frozen=True)
class Progress:
    """How far a session is: the top condition, and the facts once the summary is stored."""

    succeeded: Truth
    reason: Reason
    message: str
    facts: SummaryFacts | None = None


@dataclass(frozen=True, kw_only=True)
class Views:
    """The session's Jobs as they are seen, and whether one more is about to be made."""

    jobs: Sequence[JobView]
    job_is_made: bool


Line = tuple[ConditionType, Truth, Reason, str]


def status_of(session: EMGSession, views: Views, progress: Progress, now: datetime) -> SessionStatus:
    """Return the whole status; all conditions are set on the first visit."""
    status = _with_attempts(session.status, views.jobs)
    for line in _conditions(views, progress):
        status = set_condition(status, *line, generation=session.generation, now=now)
    status = msgspec.structs.replace(status, observed_generation=session.generation)
    if progress.facts:
        status = _with_facts(status, progress.facts)
    if progress.succeeded is not Truth.UNKNOWN:
        status = msgspec.structs.replace(status, finished_at=now.replace(microsecond=0))
    return status


def _conditions(views: Views, progress: Progress) -> Iterator[Line]:
    yield _accepted(views.jobs)
    yield _object_available(views.jobs, progress)
    if views.jobs or views.job_is_made:
        yield ConditionType.JOB_CREATED, Truth.TRUE, Reason.JOB_MADE, ""
    else:
        yield ConditionType.JOB_CREATED, Truth.FALSE, Reason.NO_JOB_YET, ""
    yield _analyzed(progress)
    yield _quality(progress)
    yield ConditionType.SUPERSEDED, Truth.FALSE, Reason.NEWEST_VERSION, ""
    yield ConditionType.SUCCEEDED, progress.succeeded, progress.reason, progress.message


def _accepted(jobs: Sequence[JobView]) -> Line:
    if _is_request_refused(jobs):
        return ConditionType.ACCEPTED, Truth.FALSE, Reason.INVALID, "the worker refuses the profile or an option"
    return ConditionType.ACCEPTED, Truth.TRUE, Reason.VALID, "the spec can be worked on"


def _is_request_refused(jobs: Sequence[JobView]) -> bool:
    return any(job.exit_code == ExitCode.BAD_REQUEST for job in jobs)


def _object_available(jobs: Sequence[JobView], progress: Progress) -> Line:
    kind = ConditionType.OBJECT_AVAILABLE
    if progress.facts or (progress.reason is Reason.BAD_RECORDING and not _is_request_refused(jobs)):
        return kind, Truth.TRUE, Reason.READ, "the worker has read the recording"
    if any(job.reason is Reason.WAITING_FOR_OBJECT for job in jobs):
        return kind, Truth.FALSE, Reason.WAITING_FOR_OBJECT, "storage does not have the recording (yet)"
    return kind, Truth.UNKNOWN, Reason.NOT_READ_YET, "the worker will tell"


def _analyzed(progress: Progress) -> Line:
    if progress.facts:
        sentence = f"{progress.facts.result.summary_bytes} bytes of summary are in the database"
        return ConditionType.ANALYZED, Truth.TRUE, Reason.SUMMARY_STORED, sentence
    truth = Truth.FALSE if progress.succeeded is Truth.FALSE else Truth.UNKNOWN
    return ConditionType.ANALYZED, truth, Reason.NO_SUMMARY, ""


def _quality(progress: Progress) -> Line:
    if progress.facts is None:
        return ConditionType.QUALITY_OK, Truth.UNKNOWN, Reason.NO_SUMMARY, ""
    if progress.facts.poor_channels:
        sentence = "; ".join(progress.facts.poor_channels)[:1000]
        return ConditionType.QUALITY_OK, Truth.FALSE, Reason.POOR_CHANNELS, sentence
    sentence = f"{progress.facts.result.usable_permille} permille of the samples are usable"
    return ConditionType.QUALITY_OK, Truth.TRUE, Reason.ALL_USABLE, sentence


def _with_attempts(status: SessionStatus, jobs: Sequence[JobView]) -> SessionStatus:
    """Keep attempts whose Job is gone as they were last seen."""
    seen = {attempt.job: attempt for attempt in status.attempts} | {job.name: _attempt(job) for job in jobs}
    if not seen:
        return status
    return msgspec.structs.replace(
        status,
        attempts=tuple(seen.values()),
        attempt_count=len(seen),
        job_name=next(reversed(seen)),
        started_at=status.started_at or min((job.created_at for job in jobs if job.created_at), default=None),
    )


def _attempt(job: JobView) -> Attempt:
    reason = Reason.COMPLETED if job.state is JobState.SUCCEEDED else job.reason
    return Attempt(
        job=job.name,
        memory_mib=job.memory_mib,
        started_at=job.created_at,
        finished_at=job.finished_at,
        exit_code=job.exit_code,
        reason=reason,
    )


def _with_facts(status: SessionStatus, facts: SummaryFacts) -> SessionStatus:
    return msgspec.structs.replace(
        status,
        recording=facts.recording,
        result=facts.result,
        channel_count=facts.channel_count,
        duration=f"{facts.recording.duration_ms / 1000:.1f}s",
    )
