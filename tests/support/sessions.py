"""Sessions, Jobs and pods as the API server would show them, for tests."""

from datetime import UTC, datetime
from typing import Any

from emg_operator.manifests import AttemptPlan, build_job
from emg_operator.settings import OperatorSettings
from emg_session.resource import SESSION_LABEL, EMGSession, RecordingRef, SessionSpec, build_session
from emg_session.status import RecordingFacts, ResultFacts
from emg_session.summary import SummaryFacts

NOW = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)
SETTINGS = OperatorSettings(namespace="emg", image="emg-operator:test", worker_secrets=("emg-worker",))
SPEC = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P001/one.c3d", version="9b2c", size_bytes=2_867_920),
    subject="P001",
    profile="ghostly-2",
)
FACTS = SummaryFacts(
    recording=RecordingFacts(
        sha256="ab" * 32, channels=("CH1 Raw", "CH2 Raw"), sample_rate_milli_hz=990_000, frames=2476, duration_ms=75_030
    ),
    result=ResultFacts(
        contractions=26,
        usable_permille=1000,
        overall_score_permille=821,
        summary_bytes=11_000,
        profile_digest="d1",
        core_version="0.1.0",
    ),
    channel_count=2,
    poor_channels=(),
)


def session_body(spec: SessionSpec = SPEC, **status: Any) -> dict[str, Any]:
    """Return a session's body as a watch would bring it."""
    body = build_session(spec, namespace="emg")
    body["metadata"] |= {
        "uid": "5b0f",
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": "2026-03-02T09:59:00Z",
    }
    return body | ({"status": status} if status else {})


def session(spec: SessionSpec = SPEC, **status: Any) -> EMGSession:
    """Return the same, parsed."""
    return EMGSession.from_body(session_body(spec, **status))


def job_body(attempt: int = 1, memory_mib: int = 136, **status: Any) -> dict[str, Any]:
    """Return a Job's body, as made for `session()`."""
    body = build_job(session(), AttemptPlan(number=attempt, memory_mib=memory_mib), SETTINGS)
    body["metadata"] |= {"creationTimestamp": "2026-03-02T09:59:01Z", "uid": f"job-{attempt}"}
    return body | {"status": status}


def failed(reason: str, at: str = "2026-03-02T09:59:30Z") -> dict[str, Any]:
    """Return a failed Job's status."""
    return {"conditions": [{"type": "Failed", "status": "True", "reason": reason, "lastTransitionTime": at}]}


def pod_body(job: dict[str, Any], phase: str = "Running", **terminated: Any) -> dict[str, Any]:
    """Return a pod of a Job; with keyword arguments its container has ended so."""
    labels = {SESSION_LABEL: job["metadata"]["labels"][SESSION_LABEL]}
    labels["batch.kubernetes.io/job-name"] = job["metadata"]["name"]
    meta = {
        "name": job["metadata"]["name"] + "-x7k2p",
        "namespace": job["metadata"]["namespace"],
        "labels": labels,
        "creationTimestamp": "2026-03-02T09:59:02Z",
        "ownerReferences": [{"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}],
    }
    ended = {"containerStatuses": [{"name": "worker", "state": {"terminated": terminated}}]} if terminated else {}
    return {"metadata": meta, "status": {"phase": phase} | ended}
