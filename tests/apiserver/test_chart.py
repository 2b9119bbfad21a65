"""What the chart makes, as a real API server sees it: nothing is unknown or refused, every pod is restricted."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.machine import KUBE, run
from tests.support.api_server import ApiServer
from tests.support.charts import GOLDEN, TRYOUT, Manifest, pod_specs, render

EVERYTHING: dict[str, Any] = yaml.safe_load((GOLDEN / "everything.values.yaml").read_text())
# Where the definitions of others are published as Go modules.
GATEWAY = ("sigs.k8s.io/gateway-api@v1.3.0", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml")
PROMETHEUS = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
MONITORING = [
    (PROMETHEUS, f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml")
    for kind in ("servicemonitors", "prometheusrules")
]


def definition(module: str, path: str, cache: Path) -> Path:
    """Return a definition out of a Go module; no module is needed around it."""
    answer = run("go", "mod", "download", "-json", module, cwd=cache)
    return Path(json.loads(answer)["Dir"], path)


@pytest.fixture(scope="module")
def namespace(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A restricted namespace of a cluster that knows the Gateway API and the Prometheus operator's kinds."""
    files = [definition(*each, tmp_path_factory.mktemp("modules")) for each in (GATEWAY, *MONITORING)]
    for file in files:
        api.kubectl("apply", "--server-side", "-f", file)
        api.kubectl("wait", "--for=condition=Established", "--timeout=600s", "-f", file)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chart", "labels": labels}})
    yield "chart"
    api.kubectl("delete", "namespace", "chart", "--wait=false")


def refused(api: ApiServer, manifests: list[Manifest]) -> str:
    """Return what the API server says against manifests; unknown and doubled fields are errors, too."""
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    command = [
        KUBE,
        "kubectl",
        f"--kubeconfig={api.admin}",
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
    ]
    done = subprocess.run([*map(str, command)], input=document, capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("values", [TRYOUT, EVERYTHING], ids=["tryout", "everything"])
def test_nothing_is_unknown_to_the_api_server_or_refused(
    api: ApiServer, namespace: str, values: dict[str, Any]
) -> None:
    manifests = render(values, namespace=namespace)
    ours = [manifest for manifest in manifests if manifest["kind"] != "CustomResourceDefinition"]
    assert refused(api, ours) == ""


@pytest.mark.parametrize("values", [TRYOUT, EVERYTHING], ids=["tryout", "everything"])
def test_every_pod_is_admitted_where_pods_are_restricted(
    api: ApiServer, namespace: str, values: dict[str, Any]
) -> None:
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}", "namespace": namespace}, "spec": spec}
        for number, spec in enumerate(pod_specs(render(values, namespace=namespace)).values())
    ]
    for pod in pods:  # a class of the cluster's own, which this one does not have
        pod["spec"].pop("priorityClassName", None)
    assert (len(pods) >= 5, refused(api, pods)) == (True, "")


def test_a_pod_that_may_more_is_refused(api: ApiServer, namespace: str) -> None:
    """The check above can fail."""
    (spec, *_) = pod_specs(render(TRYOUT, namespace=namespace)).values()
    spec["containers"][0]["securityContext"]["capabilities"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": namespace}, "spec": spec}
    assert "violates PodSecurity" in refused(api, [pod])
