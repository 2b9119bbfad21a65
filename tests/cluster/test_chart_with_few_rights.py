"""The chart installed by somebody who may do little, with a database and a storage of their own."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cluster.charts import IMAGE_VALUES, helm, install, namespace
from tests.cluster.control_plane import AUDIT_LOG
from tests.cluster.deployment import NAMESPACE, Deployment, cluster, require_node, results_locked
from tests.cluster.machine import NODE_IP, STATE, kubectl, node_network, run
from tests.cluster.pki import kubeconfig
from tests.support.audit import audit_entries, forbidden, of_namespace
from tests.support.charts import merged
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

RELEASE, PLACE, INSTALLER = "emg", "clinic", "installer"
VALUES = merged(
    IMAGE_VALUES,
    {
        "buckets": {"clinic": "s3://clinic"},
        "database": {"existingSecret": "settings"},
        "storage": {"existingSecret": "settings"},
        "rbac": {"clusterRoles": False},
        "definition": {"install": False},
        "operator": {"replicas": 1},
        "receiver": {"replicas": 1},
        "signals": {"replicas": 1},
    },
)
RIGHTS = [
    {"apiGroups": ["emg.ghostly"], "resources": ["emgsessions"], "verbs": ["*"]},
    {"apiGroups": ["emg.ghostly"], "resources": ["emgsessions/status"], "verbs": ["patch"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
]


@pytest.fixture(scope="module")
def database_url(deployment: Deployment) -> str:
    return deployment.make_database("clinic")


@pytest.fixture(scope="module")
def installer(deployment: Deployment, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The account of somebody who administers one namespace, and what an administrator of the cluster did before."""
    deployment.s3.make_bucket("clinic")
    with namespace(PLACE):
        in_place("create", "serviceaccount", INSTALLER)
        in_place("create", "rolebinding", INSTALLER, "--clusterrole=admin", f"--serviceaccount={PLACE}:{INSTALLER}")
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "emg"},
            "rules": RIGHTS,
        }
        in_place("create", "-f", "-", stdin=json.dumps(role))
        in_place("create", "rolebinding", "emg", "--role=emg", f"--serviceaccount={PLACE}:{INSTALLER}")
        delegator = ("--clusterrole=system:auth-delegator", f"--serviceaccount={PLACE}:emg-signals")
        in_place("create", "clusterrolebinding", "clinic-emg-signals", *delegator)
        secret = {"EMG_DATABASE_URL": database_url, **deployment.s3.env()}
        literals = [f"--from-literal={name}={value}" for name, value in secret.items()]
        in_place("create", "secret", "generic", "settings", *literals)
        token = in_place("create", "token", INSTALLER).strip()
        account = tmp_path_factory.mktemp("installer") / "kubeconfig"
        account.write_text(json.dumps(kubeconfig(STATE / "pki", f"https://{NODE_IP}:6443", {"token": token})))
        yield account
        run(*kubectl("delete", "clusterrolebinding", "clinic-emg-signals"))


def in_place(*arguments: str, stdin: str = "") -> str:
    return run(*kubectl("--namespace", PLACE, *arguments), stdin=stdin)


def test_it_installs_beside_another_release_and_passes_its_test(installer: Path) -> None:
    install(RELEASE, PLACE, VALUES, kubeconfig=installer)
    assert "Phase:          Succeeded" in helm("test", RELEASE, "--namespace", PLACE, "--logs", kubeconfig=installer)


def test_its_sessions_are_its_own() -> None:
    (name,) = in_place("get", "emgsessions", "-o", "name").split()
    assert name not in cluster("get", "emgsessions", "-o", "name").split()


def test_data_outlive_the_release(installer: Path, database_url: str) -> None:
    # Uninstalling takes rights away from programs that are still ending.
    assert forbidden(of_namespace(audit_entries(AUDIT_LOG), PLACE)) == []
    helm("uninstall", RELEASE, "--namespace", PLACE, "--wait", "--timeout=10m", kubeconfig=installer)
    with node_network(), psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM analysis_results").fetchone() == (1,)


def test_an_evicted_worker_is_followed_by_another_and_counts_for_nothing(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.upload("EV001/take.c3d", synthetic_recording(tmp_path).read_bytes())
    with results_locked(deployment):
        name = deployment.notify("EV001/take.c3d").json()["session_code"]
        wait_until(lambda: len(workers(name)) == 1, "the worker runs")
        (evicted,) = workers(name)
        evict(evicted)
        wait_until(lambda: workers(name) not in ([], [evicted]), "another pod runs")
    cluster("wait", "--for=condition=Succeeded", f"emgs/{name}", "--timeout=600s")
    assert cluster("get", "emgs", name, "-o", "jsonpath={.status.attemptCount}") == "1"


def workers(session: str) -> list[str]:
    """Return the session's running pods."""
    found = json.loads(cluster("get", "pods", f"--selector=emg.ghostly/session={session}", "-o", "json"))["items"]
    return [pod["metadata"]["name"] for pod in found if pod["status"]["phase"] == "Running"]


def evict(pod: str) -> None:
    """Do to a pod what `kubectl drain` does."""
    metadata = {"name": pod, "namespace": NAMESPACE}
    body = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
    cluster("create", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction", "-f", "-", stdin=body)
