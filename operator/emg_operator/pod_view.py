"""The pods of one Job, reduced to how the last container ended, or why none can start. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from emg_session.contract import TerminationMessage

PAST_DEADLINE = "DeadlineExceeded"
_OUT_OF_MEMORY = "OOMKilled"
# What a container waits for that may never come; ContainerCreating and PodInitializing are on the way.
_TROUBLES = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
_MOST_TROUBLE_CHARACTERS = 200
_LOG_LINES, _LOG_CHARACTERS = 4, 160


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How the last pod of a Job ended."""

    exit_code: int
    finished_at: datetime | None
    out_of_memory: bool
    past_deadline: bool
    words: TerminationMessage | None

    @property
    def message(self) -> str:
        """What the worker said, if it was ours to say."""
        return self.words.message if self.words else ""

    @property
    def used_mib(self) -> int | None:
        """The most memory the worker held, as it said."""
        return self.words.used_mib if self.words else None

    @property
    def log(self) -> str | None:
        """The last lines of the worker's log."""
        lines = self.words.log[-_LOG_LINES:] if self.words else ()
        return "\n".join(lines)[-_LOG_CHARACTERS:] or None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a pod can't start, and since when."""

    message: str
    since: datetime | None


def pods_of(job: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return a Job's own pods, oldest first: by its uid, as another Job may have had its name before."""
    own = [pod for pod in pods if _controller(pod) == job["metadata"].get("uid")]
    return sorted(own, key=lambda pod: pod["metadata"].get("creationTimestamp", ""))


def _controller(pod: Mapping[str, Any]) -> str | None:
    owners = pod["metadata"].get("ownerReferences", [])
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def last_ending(pods: Sequence[Mapping[str, Any]]) -> Ending | None:
    """Return how the newest container that has ended did so."""
    return next(filter(None, map(_ending, reversed(pods))), None)


def is_running(pods: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any pod runs."""
    return any(pod.get("status", {}).get("phase") == "Running" for pod in pods)


def trouble(pods: Sequence[Mapping[str, Any]]) -> Trouble | None:
    """Return why the newest pod can't start, as scheduler or kubelet say."""
    if not pods:
        return None
    pod = pods[-1]
    return _unschedulable(pod) or _cannot_start(pod)


def _unschedulable(pod: Mapping[str, Any]) -> Trouble | None:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            since = time(condition.get("lastTransitionTime"))
            return Trouble(message=_said(condition, "Unschedulable"), since=since)
    return None


def _cannot_start(pod: Mapping[str, Any]) -> Trouble | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _TROUBLES:
            return Trouble(message=_said(waiting, ""), since=time(pod["metadata"].get("creationTimestamp")))
    return None


def _said(told: Mapping[str, Any], default: str) -> str:
    """Return reason and message; of ErrImagePull and ImagePullBackOff, which take turns, always the same."""
    reason = told.get("reason", default)
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        return "ImagePullBackOff: the image can't be pulled"
    return f"{reason}: {told.get('message', '')}"[:_MOST_TROUBLE_CHARACTERS]


def _ending(pod: Mapping[str, Any]) -> Ending | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        if ended := container.get("state", {}).get("terminated"):
            return Ending(
                exit_code=ended["exitCode"],
                finished_at=time(ended.get("finishedAt")),
                out_of_memory=ended.get("reason") == _OUT_OF_MEMORY,
                past_deadline=_is_past_deadline(pod, ended),
                words=TerminationMessage.from_text(ended.get("message") or ""),
            )
    return None


def _is_past_deadline(pod: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
    """Whether the container took too long; the pod's deadline counts from before its image is pulled."""
    return pod["status"].get("reason") == PAST_DEADLINE and bool(ended.get("startedAt"))


def time(text: str | None) -> datetime | None:
    """Parse a time as Kubernetes writes it."""
    return None if text is None else msgspec.convert(text, datetime)
