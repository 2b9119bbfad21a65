"""A Job and its pods, reduced to what decisions need. Pure: bodies in, a view out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from emg_operator.pod_view import PAST_DEADLINE, Ending, Trouble, is_running, last_ending, pods_of, time, trouble
from emg_session.contract import ExitCode
from emg_session.status import Attempt, Reason

MEMORY_ANNOTATION = "emg.ghostly/memory-mib"
REQUEST_ANNOTATION = "emg.ghostly/request"
ATTEMPT_LABEL = "emg.ghostly/attempt"

KILLED = (137, 143)  # exit codes after SIGKILL and SIGTERM; by whom, they do not say
# A Job ends with the first pod that exits so; any other exit is followed by another pod, up to a number.
ENDING_CODES = (*(code.value for code in ExitCode if code.about_the_recording), *KILLED)
PODS_PER_JOB = 3
_QUOTED_CODE = re.compile(r"failed with exit code (\d{1,3}) matching")
_REASONS = {
    ExitCode.BYTES_CHANGED: Reason.SUPERSEDED,
    ExitCode.STORAGE_UNAVAILABLE: Reason.STORAGE_UNAVAILABLE,
    ExitCode.DATABASE_UNAVAILABLE: Reason.DATABASE_UNAVAILABLE,
    ExitCode.RECORDING_NOT_THERE: Reason.WAITING_FOR_OBJECT,
}


class JobState(StrEnum):
    """How far a Job is."""

    SUSPENDED = "Suspended"
    WAITING = "Waiting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True)
class JobView:
    """One attempt as the cluster shows it; `reason` says why it failed.

    `over` is the Job's own word: it has no pod and makes no other. Success is seen in a pod before that.
    """

    name: str
    uid: str
    attempt: int
    memory_mib: int
    state: JobState
    over: bool
    request: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    message: str = ""
    used_mib: int | None = None
    log: str | None = None
    trouble: Trouble | None = None

    def as_attempt(self) -> Attempt:
        """Return what the status tells of it."""
        return Attempt(
            job=self.name,
            memory_mib=self.memory_mib,
            used_mib=self.used_mib,
            started_at=self.started_at,
            finished_at=self.finished_at,
            exit_code=self.exit_code,
            reason=Reason.COMPLETED if self.state is JobState.SUCCEEDED else self.reason,
            log=self.log,
        )


def is_attempt_of(session_uid: str, job: Mapping[str, Any]) -> bool:
    """Whether a Job was made by us for this very session; anybody can put our label on a Job."""
    meta = job["metadata"]
    owners = (owner["uid"] for owner in meta.get("ownerReferences", []) if owner.get("controller"))
    attempt = meta.get("labels", {}).get(ATTEMPT_LABEL, "")
    memory = meta.get("annotations", {}).get(MEMORY_ANNOTATION, "")
    return session_uid in owners and attempt.isdecimal() and memory.isdecimal()


def view_job(job: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> JobView:
    """Reduce a Job's body and its pods' bodies to a view."""
    meta, own = job["metadata"], pods_of(job, pods)
    ending = last_ending(own)
    state, finished_at = _state(job, own, ending)
    view = JobView(
        name=meta["name"],
        uid=meta["uid"],
        attempt=int(meta["labels"][ATTEMPT_LABEL]),
        memory_mib=int(meta["annotations"][MEMORY_ANNOTATION]),
        request=meta["annotations"].get(REQUEST_ANNOTATION),
        state=state,
        over=bool(_conditions(job) & {"Complete", "Failed"}),
        created_at=time(meta.get("creationTimestamp")),
        started_at=_started_at(job, state),
        finished_at=finished_at,
        trouble=trouble(own) if state is JobState.WAITING else None,
        message=_so_far(ending),
    )
    return _ended(view, job, ending) if state in (JobState.SUCCEEDED, JobState.FAILED) else view


def _ended(view: JobView, job: Mapping[str, Any], ending: Ending | None) -> JobView:
    reason = _failure_reason(job, ending) if view.state is JobState.FAILED else None
    return replace(
        view,
        exit_code=_exit_code(job, ending),
        reason=reason,
        message=_message(reason, ending),
        used_mib=ending.used_mib if ending else None,
        log=ending.log if ending else None,
    )


def _conditions(job: Mapping[str, Any]) -> set[str]:
    return {c["type"] for c in job.get("status", {}).get("conditions", []) if c["status"] == "True"}


def _condition(job: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = job.get("status", {}).get("conditions", [])
    found: Mapping[str, Any] = next((c for c in conditions if c["type"] == kind), {})
    return found


def _started_at(job: Mapping[str, Any], state: JobState) -> datetime | None:
    if state not in (JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED):
        return None
    return time(job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp"))


def _state(
    job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], ending: Ending | None
) -> tuple[JobState, datetime | None]:
    conditions = _conditions(job)
    if "Failed" in conditions and not job["metadata"].get("deletionTimestamp"):
        return JobState.FAILED, time(_condition(job, "Failed").get("lastTransitionTime"))
    # A pod's exit is seen 1.8 s before the Job's condition, and the row in the database is the proof anyway.
    if ending and ending.exit_code == ExitCode.STORED and not ending.out_of_memory:
        return JobState.SUCCEEDED, ending.finished_at
    if "Complete" in conditions:
        killed = ending is not None and ending.out_of_memory
        state = JobState.FAILED if killed else JobState.SUCCEEDED
        return state, time(_condition(job, "Complete").get("lastTransitionTime"))
    return _unfinished_state(job, pods), None


def _unfinished_state(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> JobState:
    if job["metadata"].get("deletionTimestamp"):
        return JobState.STOPPING
    if is_running(pods) or _is_about_to_end(pods):
        return JobState.RUNNING
    return JobState.SUSPENDED if job.get("spec", {}).get("suspend") else JobState.WAITING


def _is_about_to_end(pods: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no other pod follows, though the Job does not say so yet."""
    newest = last_ending(pods[-1:])
    return newest is not None and (newest.exit_code in ENDING_CODES or len(pods) >= PODS_PER_JOB)


def _failure_reason(job: Mapping[str, Any], ending: Ending | None) -> Reason:
    # The Job's own deadline says nothing of the recording where no pod ever ended.
    if ending and (ending.past_deadline or _condition(job, "Failed").get("reason") == PAST_DEADLINE):
        return Reason.DEADLINE_EXCEEDED
    if ending and ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    return reason_of(_exit_code(job, ending))


def _exit_code(job: Mapping[str, Any], ending: Ending | None) -> int | None:
    """Return the last exit code: the pod's, or where that is gone the one the Job's failure quotes, if it does."""
    if ending:
        return ending.exit_code
    quoted = _QUOTED_CODE.search(_condition(job, "Failed").get("message", ""))
    return int(quoted[1]) if quoted else None


def reason_of(exit_code: int | None) -> Reason:
    """Return the word for an exit code; what is not in the contract is a bug of ours."""
    if exit_code not in {code.value for code in ExitCode}:
        return Reason.INTERNAL_ERROR
    code = ExitCode(exit_code)
    return _REASONS.get(code, Reason.BAD_RECORDING if code.about_the_recording else Reason.INTERNAL_ERROR)


def _message(reason: Reason | None, ending: Ending | None) -> str:
    match reason:
        case None:
            return ""
        case Reason.DEADLINE_EXCEEDED:
            return "the attempt took longer than its deadline"
        case Reason.OUT_OF_MEMORY:
            return "the worker needed more memory than it had"
        case _ if ending is None:
            return "the Job failed and its pod is gone"
        case _:
            return ending.message or f"the worker ended with exit code {ending.exit_code} and said nothing"


def _so_far(ending: Ending | None) -> str:
    """Say how a pod of an unfinished Job ended, which will be followed by another."""
    if ending is None:
        return ""
    return ending.message or f"the worker ended with exit code {ending.exit_code} and said nothing"
