"""From a decision to the status people read: conditions, attempts and the facts of the result. Pure.

An object stays under 4 KiB: that is what the bounds on sentences here are for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from emg_operator.manifests import AttemptPlan, job_name
from emg_operator.run import Run, told
from emg_operator.surroundings import NotReadable, Surroundings
from emg_session.contract import ExitCode
from emg_session.resource import EMGSession
from emg_session.status import Attempt, Condition, ConditionType, Reason, SessionStatus, Truth, set_condition
from emg_session.summary import SummaryFacts

_MOST_OBJECT_BYTES, _METADATA_BYTES = 4096, 500
_MOST_TOP_CHARACTERS, _MOST_QUALITY_CHARACTERS = 240, 120


@dataclass(frozen=True)
class Progress:
    """How far a session is: the top condition, and the facts once the summary is stored."""

    succeeded: Truth
    reason: Reason
    message: str
    facts: SummaryFacts | None = None


Line = tuple[ConditionType, Truth, Reason, str]
_READABLE = Truth.TRUE, Reason.READABLE, "storage has this version"
_NOT_READABLE = {
    NotReadable.NOT_THERE: (Truth.FALSE, Reason.WAITING_FOR_OBJECT, "storage does not have the recording (yet)"),
    NotReadable.OTHER_VERSION: (Truth.FALSE, Reason.SUPERSEDED, "storage has another version now"),
    NotReadable.UNREACHABLE: (Truth.UNKNOWN, Reason.STORAGE_UNAVAILABLE, "storage does not answer"),
    NotReadable.FORBIDDEN: (Truth.UNKNOWN, Reason.STORAGE_UNAVAILABLE, "storage refuses to show the recording"),
}


def status_of(
    session: EMGSession,
    run: Run,
    surroundings: Surroundings,
    progress: Progress,
    now: datetime,
    *,
    plan: AttemptPlan | None = None,
) -> SessionStatus:
    """Return the whole status, with the attempt that is about to be made; all conditions are set on the first visit."""
    now = now.replace(microsecond=0)
    # A new run starts from nothing, but for the name of the newest Job, from which it numbers on.
    before = SessionStatus(job_name=session.status.job_name) if run.begins else session.status
    status = _with_attempts(before, _with_plan(session, run.attempts, plan), now)
    job_made = bool(run.jobs or plan or any(attempt.ended for attempt in run.attempts))
    for line in _conditions(before, run, surroundings, progress, job_made=job_made):
        status = set_condition(status, *line, generation=session.generation, now=now)
    status = msgspec.structs.replace(status, observed_generation=session.generation, request=run.request)
    if progress.facts:
        status = _with_facts(session, status, progress.facts)
    ended = progress.succeeded is not Truth.UNKNOWN
    return msgspec.structs.replace(status, finished_at=now if ended else None)


def _with_plan(session: EMGSession, attempts: tuple[Attempt, ...], plan: AttemptPlan | None) -> tuple[Attempt, ...]:
    """Write an attempt down before its Job is made: whoever comes after a crash makes the same Job and no other."""
    if plan is None:
        return attempts
    planned = Attempt(job=job_name(session.name, plan.number), memory_mib=plan.memory_mib)
    return told([*(attempt for attempt in attempts if attempt.number < plan.number), planned])


def _with_attempts(status: SessionStatus, attempts: tuple[Attempt, ...], now: datetime) -> SessionStatus:
    if not attempts:
        return status
    return msgspec.structs.replace(
        status,
        attempts=attempts,
        attempt_count=len(attempts),
        job_name=attempts[-1].job,
        started_at=status.started_at or now,
    )


def _conditions(
    before: SessionStatus, run: Run, surroundings: Surroundings, progress: Progress, *, job_made: bool
) -> Iterator[Line]:
    yield _accepted(run, surroundings)
    yield _object_available(before.condition(ConditionType.OBJECT_AVAILABLE), run, surroundings, progress)
    if job_made:
        yield ConditionType.JOB_CREATED, Truth.TRUE, Reason.JOB_MADE, ""
    else:
        yield ConditionType.JOB_CREATED, Truth.FALSE, Reason.NO_JOB_YET, ""
    yield _analyzed(progress)
    yield _quality(progress)
    yield _superseded(progress)
    message = progress.message[:_MOST_TOP_CHARACTERS]
    yield ConditionType.SUCCEEDED, progress.succeeded, progress.reason, message


def _accepted(run: Run, surroundings: Surroundings) -> Line:
    if _is_request_refused(run):
        return ConditionType.ACCEPTED, Truth.FALSE, Reason.INVALID, "the worker refuses the profile or an option"
    if surroundings.object is NotReadable.REFUSED:
        return ConditionType.ACCEPTED, Truth.FALSE, Reason.INVALID, "the recording is in no configured bucket"
    return ConditionType.ACCEPTED, Truth.TRUE, Reason.VALID, "the spec can be worked on"


def _is_request_refused(run: Run) -> bool:
    return any(attempt.exit_code == ExitCode.BAD_REQUEST for attempt in run.attempts)


def _object_available(before: Condition | None, run: Run, surroundings: Surroundings, progress: Progress) -> Line:
    """Tell the newest that is known: the worker's word, what storage said just now, or what it said before."""
    if progress.facts or (progress.reason is Reason.BAD_RECORDING and not _is_request_refused(run)):
        told = Truth.TRUE, Reason.READ, "the worker has read the recording"
    elif isinstance(surroundings.object, NotReadable):
        told = _NOT_READABLE.get(surroundings.object) or _told(before)
    else:
        told = _READABLE if surroundings.object.size_bytes is not None else _told(before)
    return ConditionType.OBJECT_AVAILABLE, *told


def _told(before: Condition | None) -> tuple[Truth, Reason, str]:
    if before is None:
        return Truth.UNKNOWN, Reason.NOT_READ_YET, "the worker will tell"
    return before.status, before.reason, before.message


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
        sentence = "; ".join(progress.facts.poor_channels)[:_MOST_QUALITY_CHARACTERS]
        return ConditionType.QUALITY_OK, Truth.FALSE, Reason.POOR_CHANNELS, sentence
    sentence = f"{progress.facts.result.usable_permille} permille of the samples are usable"
    return ConditionType.QUALITY_OK, Truth.TRUE, Reason.ALL_USABLE, sentence


def _superseded(progress: Progress) -> Line:
    if progress.reason is Reason.SUPERSEDED:
        return ConditionType.SUPERSEDED, Truth.TRUE, Reason.NEWER_VERSION, "there is a newer version of the object"
    return ConditionType.SUPERSEDED, Truth.FALSE, Reason.NEWEST_VERSION, ""


def _with_facts(session: EMGSession, status: SessionStatus, facts: SummaryFacts) -> SessionStatus:
    """Tell what is stored, with as many of the channels as there is room for; the summary lists all."""
    status = msgspec.structs.replace(
        status,
        recording=msgspec.structs.replace(facts.recording, channels=()),
        result=facts.result,
        channel_count=facts.channel_count,
        duration=f"{facts.recording.duration_ms / 1000:.1f}s",
    )
    taken = sum(len(msgspec.json.encode(part)) for part in (session.spec, status))
    room = _MOST_OBJECT_BYTES - _METADATA_BYTES - taken
    names = tuple(_fitting(facts.recording.channels, room))
    return msgspec.structs.replace(status, recording=msgspec.structs.replace(facts.recording, channels=names))


def _fitting(names: Iterable[str], room: int) -> Iterator[str]:
    for name in names:
        room -= len(msgspec.json.encode(name)) + 1
        if room < 0:
            return
        yield name
