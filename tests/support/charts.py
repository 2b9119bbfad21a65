"""Our chart as Helm renders it, without a cluster."""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from tests.cluster.machine import BIN, ROOT, run
from tests.cluster.parts import go_is_here, helm_program
from tests.support.needs import require

CHART = ROOT / "charts" / "emg-operator"
GOLDEN = ROOT / "tests" / "golden" / "chart"
Manifest = dict[str, Any]
EXISTING: dict[str, Any] = {
    "buckets": {"recordings": "s3://recordings"},
    "database": {"existingSecret": "my-database"},
    "storage": {"existingSecret": "my-storage"},
    "senders": {"existingSecret": "my-senders"},
}
TRYOUT: dict[str, Any] = {
    "embedded": {"enabled": True, "password": "notrandomhere"},
    "senders": {"keys": {"supabase": ["a-key-for-tests"]}},
}


@cache
def helm_is_here() -> bool:
    """Build Helm where it is not built yet: a minute, once."""
    require((BIN / "helm").exists() or go_is_here(), "no Helm: install Go 1.26, which builds it once")
    if go_is_here():
        helm_program().build()
    return True


def render(values: Mapping[str, Any], *, namespace: str = "emg", release: str = "emg") -> list[Manifest]:
    """Return the manifests of a release with these values."""
    return [one for one in yaml.safe_load_all(rendered_text(values, namespace=namespace, release=release)) if one]


def rendered_text(values: Mapping[str, Any], *, namespace: str = "emg", release: str = "emg") -> str:
    """Return what Helm renders."""
    assert helm_is_here()
    command = (BIN / "helm", "template", release, CHART, "--namespace", namespace, "--values=-")
    return run(*command, stdin=json.dumps(values))


def refusal(values: Mapping[str, Any]) -> str:
    """Return what Helm says against these values; nothing where it takes them."""
    assert helm_is_here()
    command = [BIN / "helm", "template", "emg", CHART, "--values=-"]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the only manifest of a kind and name."""
    (found,) = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def pod_specs(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return every pod that is made of these manifests, by its maker's kind and name."""
    found = {}
    for manifest in manifests:
        spec = (
            manifest["spec"] if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template", {}).get("spec")
        )
        if spec and "containers" in spec:
            found[f"{manifest['kind']}/{manifest['metadata']['name']}"] = spec
    return found


def variables(spec: Manifest) -> dict[str, str]:
    """Return the variables that a pod's only program is given as values."""
    (container,) = spec["containers"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values laid over one another, as Helm does."""
    result: dict[str, Any] = {}
    for layer in values:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged(result[key], value) if both else value
    return result


def nested(name: str, value: Any) -> dict[str, Any]:
    """Return `a.b=value` as Helm's values."""
    for key in reversed(name.split(".")):
        value = {key: value}
    return dict(value)
