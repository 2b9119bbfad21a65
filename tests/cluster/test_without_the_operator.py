"""Nothing of ours needs the operator to go away. The last of the cluster suite's modules: it leaves nothing to test."""

import json

import pytest

from tests.cluster.deployment import NAMESPACE, Deployment, cluster, require_node, results_locked
from tests.cluster.machine import kubectl, run
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()


def test_namespace_and_definition_are_deleted_though_the_operator_is_gone(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()
    deployment.upload("P201/take.c3d", data)
    with results_locked(deployment):
        name = deployment.notify("P201/take.c3d").json()["session_code"]
        wait_until(lambda: running_pods(name) == 1, "a Job runs")
        cluster("delete", "deployment", "emg-operator", "--cascade=foreground", "--timeout=600s")
        assert finalizers() == []
        run(*kubectl("delete", "namespace", NAMESPACE, "--timeout=600s"))
        run(*kubectl("delete", "crd", "emgsessions.emg.ghostly", "--timeout=600s"))
    left = run(*kubectl("get", "namespaces,customresourcedefinitions", "-o", "name"))
    assert "emg" not in left


def running_pods(name: str) -> int:
    found = cluster("get", "pods", "--selector", f"emg.ghostly/session={name}", "-o", "json")
    return sum(pod["status"]["phase"] == "Running" for pod in json.loads(found)["items"])


def finalizers() -> list[str]:
    sessions = json.loads(cluster("get", "emgsessions", "-o", "json"))["items"]
    return [each for session in sessions for each in session["metadata"].get("finalizers", [])]
