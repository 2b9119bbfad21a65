"""Helm on the node: releases of our chart."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.machine import BIN, KUBECONFIG, ROOT, Argument, inside, kubectl, run

CHART = ROOT / "charts" / "emg-operator"
IMAGE_VALUES: dict[str, Any] = {"image": {"repository": "localhost/emg", "tag": "test"}}
TRYOUT_VALUES: dict[str, Any] = {
    **IMAGE_VALUES,
    "embedded": {"enabled": True, "image": {"repository": "localhost/emg-tryout", "tag": "test"}},
}
_PATIENCE = "--timeout=10m"


def helm(*arguments: Argument, kubeconfig: Path = KUBECONFIG, stdin: str = "") -> str:
    """Run Helm in the node's network and return what it prints."""
    return run(*inside(BIN / "helm", f"--kubeconfig={kubeconfig}", *arguments), stdin=stdin)


def install(
    release: str, namespace: str, values: Mapping[str, Any], *, chart: Path = CHART, kubeconfig: Path = KUBECONFIG
) -> None:
    """Install or upgrade a release, and wait until it serves."""
    command = ("upgrade", "--install", release, chart, "--namespace", namespace, "--values=-", "--wait", _PATIENCE)
    helm(*command, kubeconfig=kubeconfig, stdin=json.dumps(values))


def make_namespace(name: str) -> None:
    """Make a namespace that refuses pods which may more than they should."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    run(*kubectl("apply", "-f", "-"), stdin=json.dumps(manifest))


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """Have a namespace while the block runs."""
    make_namespace(name)
    try:
        yield name
    finally:
        run(*kubectl("delete", "namespace", name, "--timeout=600s"))
