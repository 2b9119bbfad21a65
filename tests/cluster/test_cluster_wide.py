"""One operator for all namespaces, scaled signals, workers with an account of their own: by choice, on a real node."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from emg_session.resource import build_session, build_spec
from tests.cluster.charts import helm, install, namespace
from tests.cluster.control_plane import AUDIT_LOG
from tests.cluster.deployment import NAMESPACE, VALUES, Deployment, cluster, require_node, secrets
from tests.cluster.machine import kubectl, run
from tests.support.audit import audit_entries, forbidden, of_namespace
from tests.support.charts import merged
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

PLACE = "wide"
WIDE = merged(
    VALUES,
    {
        "clusterWide": True,
        "serviceAccounts": {"worker": True},
        "operator": {"replicas": 1, "sweepSeconds": 0},
        "signals": {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 2}},
        "auth": {"readers": [{"kind": "ServiceAccount", "name": "clinician", "namespace": NAMESPACE}]},
    },
)


@pytest.fixture(scope="module", autouse=True)
def wide(deployment: Deployment) -> Iterator[None]:
    """A release that works on all namespaces in place of the others' operator; Secrets have one name everywhere."""
    cluster("scale", "deployment/emg-operator", "--replicas=0")
    cluster("create", "serviceaccount", "emg-worker")
    with namespace(PLACE):
        copies = secrets(deployment)
        for secret in copies["items"]:
            secret["metadata"]["namespace"] = PLACE
        in_place("create", "-f", "-", stdin=json.dumps(copies))
        install("emg", PLACE, WIDE)
        yield
        # Uninstalling takes rights away from programs that are still ending.
        assert forbidden(of_namespace(audit_entries(AUDIT_LOG), PLACE)) == []
        helm("uninstall", "emg", "--namespace", PLACE, "--wait", "--timeout=600s")
    cluster("delete", "serviceaccount", "emg-worker")
    cluster("scale", "deployment/emg-operator", "--replicas=2")
    cluster("rollout", "status", "deployment/emg-operator", "--timeout=600s")


def in_place(*arguments: str, stdin: str = "") -> str:
    return run(*kubectl("--namespace", PLACE, *arguments), stdin=stdin)


def found(place: str, kind: str, *arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*kubectl("--namespace", place, "get", kind, *arguments, "-o", "json")))
    return answer


@pytest.fixture(scope="module")
def analysed(wide: None, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:  # noqa: ARG001 - brings the operator
    """Return the name of an analysed session in each of two namespaces."""
    data = synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()
    names: dict[str, str] = {}
    for number, place in enumerate((NAMESPACE, PLACE)):
        key = f"WIDE{number}/take.c3d"
        session = build_session(build_spec(deployment.upload(key, data + bytes(number)), key), namespace=place)
        run(*kubectl("create", "-f", "-"), stdin=json.dumps(session))
        names[place] = session["metadata"]["name"]
        succeeded = ("wait", f"emgs/{names[place]}", "--for=condition=Succeeded", "--timeout=600s")
        run(*kubectl("--namespace", place, *succeeded))
    return names


def test_sessions_of_two_namespaces_are_analysed_by_one_operator_and_read_by_one_account(
    deployment: Deployment, analysed: dict[str, str]
) -> None:
    for name in analysed.values():
        answer = deployment.signals_as("clinician", f"/sessions/{name}/summary", place=PLACE)
        assert answer.json()["schema"] == "emg-summary/1"


def test_workers_run_as_their_account_and_have_no_token(analysed: dict[str, str]) -> None:
    for place, name in analysed.items():
        (pod, *_) = found(place, "pods", f"--selector=emg.ghostly/session={name}")["items"]
        assert pod["spec"]["serviceAccountName"] == "emg-worker"
        assert pod["spec"].get("volumes", []) == []


def test_a_scaler_without_metrics_says_so_and_leaves_the_replicas_alone() -> None:
    def conditions() -> dict[str, tuple[str, str]]:
        status = found(PLACE, "hpa", "emg-signals").get("status", {})
        return {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}

    wait_until(lambda: "ScalingActive" in conditions(), "the scaler has looked")
    assert conditions()["AbleToScale"][0] == "True"
    # This node has no metrics-server, without which nobody knows what a pod uses.
    assert conditions()["ScalingActive"] == ("False", "FailedGetResourceMetric")
    assert found(PLACE, "deployment", "emg-signals")["spec"]["replicas"] == 1
