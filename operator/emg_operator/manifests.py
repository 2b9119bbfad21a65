"""The Job of a session as a value: `build_job` opens nothing and reads no clock; tests/golden/job.yaml shows it."""

from dataclasses import dataclass
from typing import Any

from emg_operator.job_view import ATTEMPT_LABEL, ENDING_CODES, MEMORY_ANNOTATION, PODS_PER_JOB, REQUEST_ANNOTATION
from emg_operator.settings import OperatorSettings
from emg_session.contract import WorkerContract, request_of
from emg_session.resource import API_VERSION, KIND, SESSION_LABEL, EMGSession

CONTAINER = "worker"
_GRACE_SECONDS = 5
# A Job's deadline counts while it waits for a node, a pod's only once it is there: a backlog is no failure for a day.
_QUEUE_SECONDS = 86400


@dataclass(frozen=True, kw_only=True)
class AttemptPlan:
    """A Job to make."""

    number: int
    memory_mib: int


def job_name(session_name: str, attempt: int) -> str:
    """Name an attempt's Job."""
    return f"{session_name}-a{attempt}"


def build_job(session: EMGSession, plan: AttemptPlan, settings: OperatorSettings) -> dict[str, Any]:
    """Build the manifest of one attempt; a queue's Job is made suspended, and the queue alone lets it run."""
    deadline_seconds = _deadline_seconds(session, settings)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(session, plan),
        "spec": {
            **({"suspend": True} if session.spec.job.queue_name else {}),
            "backoffLimit": PODS_PER_JOB - 1,
            "activeDeadlineSeconds": _QUEUE_SECONDS + deadline_seconds,
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": _failure_rules()},
            "template": {
                "metadata": {"labels": {SESSION_LABEL: session.name}},
                "spec": _pod_spec(session, plan, settings),
            },
        },
    }


def _metadata(session: EMGSession, plan: AttemptPlan) -> dict[str, Any]:
    labels = {SESSION_LABEL: session.name, ATTEMPT_LABEL: str(plan.number)}
    if session.spec.job.queue_name:
        labels["kueue.x-k8s.io/queue-name"] = session.spec.job.queue_name
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": session.name, "uid": session.uid}
    return {
        "name": job_name(session.name, plan.number),
        "namespace": session.namespace,
        "labels": labels,
        "annotations": {MEMORY_ANNOTATION: str(plan.memory_mib), REQUEST_ANNOTATION: request_of(session)},
        "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": False}],
    }


def _failure_rules() -> list[dict[str, Any]]:
    """Evictions come first: an evicted pod is killed, too.

    Who is killed otherwise, for memory or past the deadline nearly always, would be killed again: the operator decides.
    """
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [*ENDING_CODES]},
        },
    ]


def _pod_spec(session: EMGSession, plan: AttemptPlan, settings: OperatorSettings) -> dict[str, Any]:
    """No volume and no token: each costs a pod 0.3 s, and the worker needs neither."""
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "activeDeadlineSeconds": _deadline_seconds(session, settings),
        "securityContext": settings.worker_pod.security(),
        **settings.worker_pod.spec(),
        "containers": [_container(session, plan, settings)],
    }


def _container(session: EMGSession, plan: AttemptPlan, settings: OperatorSettings) -> dict[str, Any]:
    memory = f"{plan.memory_mib}Mi"
    cpu_millis = session.spec.job.cpu_millis or settings.cpu_millis
    return {
        "name": CONTAINER,
        "image": settings.image,
        **settings.worker_pod.pull_policy(),
        "command": ["python3", "-m", "emg_worker"],
        "env": [_variable(name, value) for name, value in WorkerContract.of(session).to_env().items()],
        "envFrom": [{"secretRef": {"name": name}} for name in settings.worker_secrets],
        # No CPU limit: throttled imports take five times as long.
        "resources": {"requests": {"cpu": f"{cpu_millis}m", "memory": memory}, "limits": {"memory": memory}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _variable(name: str, value: str) -> dict[str, str]:
    """Keep the value as it is: the kubelet would put other variables, secrets among them, in place of $(NAME)."""
    return {"name": name, "value": value.replace("$", "$$")}


def _deadline_seconds(session: EMGSession, settings: OperatorSettings) -> int:
    return session.spec.job.deadline_seconds or settings.deadline_seconds
