"""Sessions that another version of the definition, or somebody else, let in: they say what is wrong with them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emg_session.resource import RecordingRef, build_session, build_spec
from emg_session.status import ConditionType
from tests.apiserver.conftest import Site
from tests.support.operators import started
from tests.support.waiting import wait_until

DEFINITION = "emgsessions.emg.ghostly"


@contextmanager
def any_options(site: Site) -> Iterator[None]:
    """Let options be anything while the block runs, as an earlier definition may have."""
    kept = json.loads(site.api.kubectl("get", "crd", DEFINITION, "-o", "json"))
    del kept["metadata"]["resourceVersion"]
    changed = json.loads(json.dumps(kept))
    spec = changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["options"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    site.api.kubectl("replace", "-f", "-", stdin=json.dumps(changed))
    try:
        yield
    finally:
        site.api.kubectl("replace", "-f", "-", stdin=json.dumps(kept))


def session_of(site: Site) -> tuple[dict[str, Any], str]:
    """Return the manifest and the name of a session whose recording is not there yet."""
    spec = build_spec(RecordingRef(uri=f"{site.uri}/P001/take.c3d", version="1"), "P001/take.c3d")
    manifest = build_session(spec, namespace=site.namespace)
    return manifest, manifest["metadata"]["name"]


def status(site: Site, name: str) -> dict[str, Any]:
    found = json.loads(site.api.kubectl("-n", site.namespace, "get", "emgs", name, "-o", "json"))
    read: dict[str, Any] = found.get("status", {})
    return read


def test_a_spec_that_cannot_be_read_is_told_once_without_what_is_in_it_and_runs_once_it_is_corrected(
    site: Site,
) -> None:
    manifest, name = session_of(site)
    manifest["spec"]["options"] = {"Jane Doe": "born 1950"}
    with any_options(site), started(site.operator()) as operator:
        operator.wait_until_acting()

        def created() -> bool:
            site.api.apply(manifest)
            return "Jane" in site.api.kubectl("-n", site.namespace, "get", "emgs", name, "-o", "json")

        wait_until(created, "the definition has changed")
        wait_until(lambda: site.reasons() == {name: "InternalError"}, "its status says so")
        told = status(site, name)
        assert [c["type"] for c in told["conditions"]] == list(ConditionType)
        assert "spec.options[...] can't be read" in told["conditions"][-1]["message"]
        assert "Jane" not in json.dumps(told) + operator.log.read_text()
        correction = [{"op": "replace", "path": "/spec/options", "value": {}}]
        site.api.kubectl("-n", site.namespace, "patch", "emgs", name, "--type=json", "-p", json.dumps(correction))
        wait_until(lambda: site.reasons() == {name: "WaitingForObject"}, "it is worked on")


def test_a_status_that_cannot_be_read_is_made_anew(site: Site) -> None:
    manifest, name = session_of(site)
    site.api.apply(manifest)
    attempts = [{"job": f"{name}-a1", "memoryMiB": 1, "reason": "OfALaterVersion"}]
    patch = json.dumps({"status": {"attempts": attempts, "duration": "1s"}})
    arguments = ("patch", "emgs", name, "--type=merge", "--subresource=status", "-p", patch)
    site.api.kubectl("-n", site.namespace, *arguments)
    with started(site.operator()):
        wait_until(lambda: site.reasons() == {name: "WaitingForObject"}, "it is worked on")
    assert {"attempts", "duration"}.isdisjoint(status(site, name))
