"""Jobs and pods as the Job controller and the kubelet would show them. Pure: bodies in, bodies or an answer out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]

JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
_DEFAULT_BACKOFF_LIMIT = 6


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a container's process ended."""

    exit_code: int
    reason: str
    message: str
    started_at: str
    finished_at: str
    past_deadline: bool = False


@dataclass(frozen=True, kw_only=True)
class JobEnding:
    """The condition a Job ends with: Complete or Failed."""

    condition: str
    reason: str
    message: str


DEADLINE_EXCEEDED = JobEnding(
    condition="Failed", reason="DeadlineExceeded", message="Job was active longer than specified deadline"
)
_COMPLETE = JobEnding(
    condition="Complete", reason="CompletionsReached", message="Reached expected number of succeeded pods"
)
_BACKOFF_LIMIT_EXCEEDED = JobEnding(
    condition="Failed", reason="BackoffLimitExceeded", message="Job has reached the specified backoff limit"
)


def decide_ending(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], failed: int) -> JobEnding | None:
    """Return how a Job ends, or None where another pod is due; `failed` counts pods, also those that are gone."""
    if any(pod["status"]["phase"] == "Succeeded" for pod in pods):
        return _COMPLETE
    for pod in pods:
        for container in pod["status"].get("containerStatuses", []):
            if _fails_job(job, container):
                return _policy_failure(pod, container)
    limit = job["spec"].get("backoffLimit", _DEFAULT_BACKOFF_LIMIT)
    return _BACKOFF_LIMIT_EXCEEDED if failed > limit else None


def finished(job: Mapping[str, Any]) -> bool:
    """Whether a Job is Complete or Failed."""
    conditions = job.get("status", {}).get("conditions", [])
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def build_pod(job: Mapping[str, Any], name: str) -> Body:
    """Build a pod of a Job."""
    meta, template = job["metadata"], job["spec"]["template"]
    labels = {JOB_NAME_LABEL: meta["name"], "batch.kubernetes.io/controller-uid": meta["uid"]}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": template.get("metadata", {}).get("labels", {}) | labels,
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending"},
    }


def running_status(pod: Mapping[str, Any], started_at: str) -> Body:
    """Return the status of a pod whose process has started."""
    return {
        "phase": "Running",
        "startTime": started_at,
        "containerStatuses": [_container_status(pod, {"running": {"startedAt": started_at}}, ready=True)],
    }


def ended_status(pod: Mapping[str, Any], ended: Ended) -> Body:
    """Return the status of a pod whose process has ended."""
    terminated = {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": ended.started_at,
        "finishedAt": ended.finished_at,
    }
    if ended.message:
        terminated["message"] = ended.message
    past_deadline = {"reason": "DeadlineExceeded"} if ended.past_deadline else {}
    return past_deadline | {
        "phase": "Failed" if ended.exit_code else "Succeeded",
        "containerStatuses": [_container_status(pod, {"terminated": terminated}, ready=False)],
    }


def ending_status(ending: JobEnding, now: str) -> Body:
    """Return what a Job's status gets when it ends."""
    criterion = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[ending.condition]
    said = {"status": "True", "reason": ending.reason, "message": ending.message}
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    status: Body = {
        "active": 0,
        "conditions": [{"type": kind} | said | times for kind in (criterion, ending.condition)],
    }
    return status | ({"completionTime": now} if ending.condition == "Complete" else {})


def _container_status(pod: Mapping[str, Any], state: Body, *, ready: bool) -> Body:
    container = pod["spec"]["containers"][0]
    return {
        "name": container["name"],
        "image": container["image"],
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
    }


def _fails_job(job: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
    """Whether the first rule of the podFailurePolicy that matches an exit code says FailJob."""
    terminated = container["state"].get("terminated")
    for rule in job["spec"].get("podFailurePolicy", {}).get("rules", []):
        if terminated and "onExitCodes" in rule and _matches(rule["onExitCodes"], container["name"], terminated):
            return bool(rule["action"] == "FailJob")
    return False


def _matches(codes: Mapping[str, Any], container_name: str, terminated: Mapping[str, Any]) -> bool:
    if codes.get("containerName", container_name) != container_name or terminated["exitCode"] == 0:
        return False
    listed = terminated["exitCode"] in codes["values"]
    return listed if codes["operator"] == "In" else not listed


def _policy_failure(pod: Mapping[str, Any], container: Mapping[str, Any]) -> JobEnding:
    meta, code = pod["metadata"], container["state"]["terminated"]["exitCode"]
    message = (
        f"Container {container['name']} for pod {meta['namespace']}/{meta['name']} failed with exit code {code} "
        "matching FailJob rule"
    )
    return JobEnding(condition="Failed", reason="PodFailurePolicy", message=message)
