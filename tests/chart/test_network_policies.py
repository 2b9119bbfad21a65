"""Who may connect to whom: the policies of the chart, read as Kubernetes reads them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.charts import CHART, TRYOUT, Manifest, merged, render

PARTS = ("operator", "receiver", "signals", "migration", "database", "storage", "test")
OUTSIDE: dict[str, str] = {}
# From whom to whom by which port's name; numbers are ports of the outside.
ALLOWED = {
    *[
        (part, "outside", port)
        for part in ("operator", "receiver", "signals")
        for port in (443, 6443, 5432, 6432, 9000, 53)
    ],
    *[("migration", "outside", port) for port in (5432, 6432, 53)],
    *[("worker", "outside", port) for port in (443, 5432, 6432, 9000, 53)],
    *[("test", "outside", port) for port in (443, 9000, 53)],
    *[("outside", "receiver", "http"), ("outside", "signals", "http"), ("outside", "operator", "probes")],
    *[(part, "database", "database") for part in ("operator", "receiver", "signals", "migration", "worker", "test")],
    *[(part, "storage", "storage") for part in ("operator", "receiver", "signals", "worker", "test")],
}


def labels(part: str) -> dict[str, str]:
    if part == "worker":
        return {"emg.ghostly/session": "emg-jrf5imgbujps"}
    names = {"name": "emg-operator", "instance": "emg", "component": part}
    return {f"app.kubernetes.io/{key}": value for key, value in names.items()} if part in PARTS else OUTSIDE


def selects(selector: Manifest, of_pod: dict[str, str]) -> bool:
    exists = [each["key"] for each in selector.get("matchExpressions", [])]
    return selector.get("matchLabels", {}).items() <= of_pod.items() and all(key in of_pod for key in exists)


def rules(policies: list[Manifest], part: str, direction: str) -> Iterator[Manifest]:
    for policy in policies:
        if selects(policy["spec"]["podSelector"], labels(part)):
            yield from policy["spec"].get(direction.lower(), [])


def admits(rule: Manifest, peer: str, port: Any, side: str) -> bool:
    peers = rule.get(side)
    by_peer = peers is None or any(
        "podSelector" in each and selects(each["podSelector"], labels(peer)) for each in peers
    )
    return by_peer and any(each["port"] == port for each in rule["ports"])


@pytest.fixture(scope="module")
def policies() -> list[Manifest]:
    return [manifest for manifest in render(TRYOUT) if manifest["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize("part", [*PARTS, "worker"])
def test_every_pod_is_denied_what_no_policy_allows(policies: list[Manifest], part: str) -> None:
    ours = [policy for policy in policies if selects(policy["spec"]["podSelector"], labels(part))]
    assert ["Ingress", "Egress"] in [policy["spec"]["policyTypes"] for policy in ours]


@pytest.mark.parametrize("part", [*PARTS, "worker"])
def test_each_part_connects_to_what_it_needs(policies: list[Manifest], part: str) -> None:
    ports = (443, 6443, 5432, 6432, 9000, 53, 80, 8080, 22)
    egress = [*rules(policies, part, "Egress")]
    may = {(part, "outside", port) for port in ports if any(admits(rule, "outside", port, "to") for rule in egress)}
    assert may == {each for each in ALLOWED if each[0] == part and each[1] == "outside"}


@pytest.mark.parametrize("part", [*PARTS, "worker"])
def test_each_part_is_connected_to_by_whom_it_serves(policies: list[Manifest], part: str) -> None:
    ingress = [*rules(policies, part, "Ingress")]
    pairs = [
        (peer, port) for peer in (*PARTS, "worker", "outside") for port in ("http", "probes", "database", "storage")
    ]
    may = {(peer, port) for peer, port in pairs if any(admits(rule, peer, port, "from") for rule in ingress)}
    open_to_all = {(peer, port) for peer, port in pairs if ("outside", part, port) in ALLOWED}
    own = {
        (peer, port) for peer, port in pairs if part in ("database", "storage") and port == part and peer != "outside"
    }
    assert may == open_to_all | own


def test_peers_that_are_named_are_the_only_ones() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    values = merged(TRYOUT, {"networkPolicy": {"metricsFrom": peers, "database": {"to": peers}}})
    named = [manifest for manifest in render(values) if manifest["kind"] == "NetworkPolicy"]
    assert not any(admits(rule, "outside", "probes", "from") for rule in rules(named, "operator", "Ingress"))
    assert not any(admits(rule, "outside", 5432, "to") for rule in rules(named, "worker", "Egress"))


@pytest.mark.parametrize("part", ["operator", "receiver", "signals", "worker"])
def test_the_readmes_rules_reach_who_gives_storages_rights_to_accounts(part: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    with_rules = merged(TRYOUT, yaml.safe_load(block))
    policies = [each for each in render(with_rules) if each["kind"] == "NetworkPolicy"]
    narrow = [rule for rule in rules(policies, part, "Egress") if any("ipBlock" in each for each in rule.get("to", []))]
    reached = {
        (each["ipBlock"]["cidr"], port["port"]) for rule in narrow for each in rule["to"] for port in rule["ports"]
    }
    assert reached == {
        *[(f"169.254.169.{last}/32", port) for last in (254, 252) for port in (80, 988)],  # GKE
        ("169.254.170.23/32", 80),  # EKS Pod Identity
    }


@pytest.mark.parametrize("door", ["receiver", "signals"])
def test_helm_test_gets_in_though_only_others_are_named(door: str) -> None:
    values = merged(TRYOUT, {"networkPolicy": {f"{door}From": [{"podSelector": {"matchLabels": {"door": "open"}}}]}})
    named = [manifest for manifest in render(values) if manifest["kind"] == "NetworkPolicy"]
    ingress = [*rules(named, door, "Ingress")]
    assert {peer for peer in (*PARTS, "outside") if any(admits(rule, peer, "http", "from") for rule in ingress)} == {
        "test"
    }


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("signals", {"auth": {"mode": "oidc", "issuer": "https://id.example", "audience": "emg"}}),
        (
            "receiver",
            {"senders": {"options": {"s3": {"topics": ["arn:aws:sns:eu-central-1:123456789012:recordings"]}}}},
        ),
    ],
)
def test_who_proves_identities_reaches_their_keys_though_all_else_is_narrowed(part: str, values: Manifest) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ours"}}}]
    narrow = {"networkPolicy": {target: {"to": peers} for target in ("apiServer", "database", "storage")}}
    policies = [each for each in render(merged(TRYOUT, narrow, values)) if each["kind"] == "NetworkPolicy"]
    may = {
        who
        for who in (*PARTS, "worker")
        if any(admits(rule, "outside", 443, "to") for rule in rules(policies, who, "Egress"))
    }
    assert may == {part}
