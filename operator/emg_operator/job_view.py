"""A Job and its pods, reduced to what decisions need. Pure: bodies in, a view out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from emg_session.contract import ExitCode, TerminationMessage
from emg_session.status import Reason

MEMORY_ANNOTATION = "emg.ghostly/memory-mib"
ATTEMPT_LABEL = "emg.ghostly/attempt"

KILLED = (137, 143)  # exit codes after SIGKILL and SIGTERM; by whom, they do not say
_OUT_OF_MEMORY = "OOMKilled"
_PAST_DEADLINE = "DeadlineExceeded"
_REASONS = {
    ExitCode.STORAGE_UNAVAILABLE: Reason.STORAGE_UNAVAILABLE,
    ExitCode.DATABASE_UNAVAILABLE: Reason.DATABASE_UNAVAILABLE,
    ExitCode.RECORDING_NOT_THERE: Reason.WAITING_FOR_OBJECT,
}


class JobState(StrEnum):
    """How far a Job is."""

    WAITING = "Waiting"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True)
class JobView:
    """One attempt as the cluster shows it; `reason` says why it failed."""

    name: str
    attempt: int
    memory_mib: int
    state: JobState
    created_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class _Ending:
    """How the last pod of a Job ended."""

    exit_code: int
    finished_at: datetime | None
    out_of_memory: bool
    past_deadline: bool
    message: str


def is_attempt_of(session_uid: str, job: Mapping[str, Any]) -> bool:
    """Whether a Job was made by us for this very session; anybody can put our label on a Job."""
    meta = job["metadata"]
    owners = (owner["uid"] for owner in meta.get("ownerReferences", []) if owner.get("controller"))
    attempt = meta.get("labels", {}).get(ATTEMPT_LABEL, "")
    memory = meta.get("annotations", {}).get(MEMORY_ANNOTATION, "")
    return session_uid in owners and attempt.isdecimal() and memory.isdecimal()


def view_job(job: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> JobView:
    """Reduce a Job's body and its pods' bodies to a view."""
    meta = job["metadata"]
    own = sorted(_pods_of(meta["name"], pods), key=lambda pod: pod["metadata"].get("creationTimestamp", ""))
    ending = next(filter(None, map(_ending, reversed(own))), None)
    state, finished_at = _state(job, own, ending)
    reason = _failure_reason(job, ending) if state is JobState.FAILED else None
    return JobView(
        name=meta["name"],
        attempt=int(meta["labels"][ATTEMPT_LABEL]),
        memory_mib=int(meta["annotations"][MEMORY_ANNOTATION]),
        state=state,
        created_at=_time(meta.get("creationTimestamp")),
        finished_at=finished_at,
        exit_code=ending.exit_code if ending and state in (JobState.SUCCEEDED, JobState.FAILED) else None,
        reason=reason,
        message=_message(reason, ending),
    )


def _pods_of(job_name: str, pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name") == job_name]


def _ending(pod: Mapping[str, Any]) -> _Ending | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        if ended := container.get("state", {}).get("terminated"):
            words = TerminationMessage.from_text(ended.get("message") or "")
            return _Ending(
                exit_code=ended["exitCode"],
                finished_at=_time(ended.get("finishedAt")),
                out_of_memory=ended.get("reason") == _OUT_OF_MEMORY,
                past_deadline=pod["status"].get("reason") == _PAST_DEADLINE,
                message=words.message if words else "",
            )
    return None


def _state(
    job: Mapping[str, Any], pods: list[Mapping[str, Any]], ending: _Ending | None
) -> tuple[JobState, datetime | None]:
    conditions = {c["type"]: c for c in job.get("status", {}).get("conditions", []) if c["status"] == "True"}
    if failed := conditions.get("Failed"):
        return JobState.FAILED, _time(failed.get("lastTransitionTime"))
    # A pod's exit is seen 1.8 s before the Job's condition, and the row in the database is the proof anyway.
    if ending and ending.exit_code == ExitCode.STORED and not ending.out_of_memory:
        return JobState.SUCCEEDED, ending.finished_at
    if complete := conditions.get("Complete"):
        return JobState.SUCCEEDED, _time(complete.get("lastTransitionTime"))
    running = any(pod.get("status", {}).get("phase") == "Running" for pod in pods)
    return (JobState.RUNNING if running else JobState.WAITING), None


def _failure_reason(job: Mapping[str, Any], ending: _Ending | None) -> Reason:
    failed = next(c for c in job["status"]["conditions"] if c["type"] == "Failed")
    if failed.get("reason") == _PAST_DEADLINE or (ending and ending.past_deadline):
        return Reason.DEADLINE_EXCEEDED
    if ending is None:
        return Reason.INTERNAL_ERROR
    if ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    if ending.exit_code not in {code.value for code in ExitCode}:
        return Reason.INTERNAL_ERROR
    code = ExitCode(ending.exit_code)
    return Reason.BAD_RECORDING if code.about_the_recording else _REASONS.get(code, Reason.INTERNAL_ERROR)


def _message(reason: Reason | None, ending: _Ending | None) -> str:
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


def _time(text: str | None) -> datetime | None:
    return None if text is None else msgspec.convert(text, datetime)
