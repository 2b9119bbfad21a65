"""Every value of the chart: told, closed, and of consequence."""

from typing import Any

import pytest
import yaml

from tests.support.chart_values import README, SCHEMA, VALUES, Value, documented, leaves, readme_text, schema_text
from tests.support.charts import EXISTING, TRYOUT, merged, nested, refusal, rendered_text

FOUND = documented(VALUES.read_text())
PEERS = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ours"}}}]
MORE: dict[str, Any] = {"requests": {"cpu": "1", "memory": "1Gi"}}
INGRESS: dict[str, Any] = {"ingress": {"enabled": True, "host": "emg.example"}}
ROUTE: dict[str, Any] = {"route": {"enabled": True, "gateways": [{"name": "gate"}]}}
SERVICE: dict[str, Any] = {"type": "LoadBalancer", "port": 81, "annotations": {"a": "b"}}
POD: dict[str, Any] = {
    "resources": MORE,
    "nodeSelector": {"pool": "emg"},
    "tolerations": [{"key": "emg", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "podLabels": {"team": "emg"},
    "podAnnotations": {"a": "b"},
}
CLUSTER_WIDE = {"clusterWide": True}
OIDC = {"auth": {"mode": "oidc", "issuer": "https://id.example", "audience": "emg"}}
READERS = [{"kind": "Group", "name": "clinicians"}, {"kind": "ServiceAccount", "name": "viewer"}]


def flips() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return for every value another one, and with what else it counts."""
    table: dict[str, tuple[Any, dict[str, Any]]] = {
        "fullnameOverride": ("other", {}),
        "image.repository": ("registry.example/emg", {}),
        "image.tag": ("2", {}),
        "image.digest": (f"sha256:{'0a' * 32}", {}),
        "image.pullPolicy": ("Always", {}),
        "image.pullSecrets": (["registry"], {}),
        "buckets": ({"others": "gs://others"}, {}),
        "clusterWide": (True, {}),
        "env": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, {}),
        "database.existingSecret": ("other", {}),
        "database.url": (
            "postgresql://emg@db/emg",
            {"database": {"existingSecret": "", "url": "postgresql://emg@other/emg"}},
        ),
        "storage.existingSecret": ("other", {}),
        "senders.existingSecret": ("other", {}),
        "senders.keys": ({"minio": ["12345678"]}, {"senders": {"existingSecret": "", "keys": {"minio": ["87654321"]}}}),
        "senders.options": ({"s3": {"topics": ["arn:aws:sns:eu-central-1:123456789012:recordings"]}}, {}),
        "auth.mode": ("none", {}),
        "auth.audience": ("emg", {}),
        "auth.issuer": ("https://other.example", OIDC),
        "auth.keysUrl": ("https://id.example/keys", OIDC),
        "auth.subjectsClaim": ("patients", OIDC),
        "auth.readers": (READERS, {}),
        "rbac.create": (False, {}),
        "rbac.clusterRoles": (False, {}),
        "serviceAccounts.create": (False, {}),
        "serviceAccounts.annotations": ({"eks.amazonaws.com/role-arn": "arn"}, {}),
        "definition.install": (False, {}),
        "migration.enabled": (False, {}),
        "migration.resources": (MORE, {}),
        "priorityClassName": ("high", {}),
        "runAsUser": (None, {}),
        "topologySpread": (False, {}),
        "podDisruptionBudget.enabled": (False, {}),
        "podDisruptionBudget.maxUnavailable": (2, {}),
        "networkPolicy.enabled": (False, {}),
        "networkPolicy.receiverFrom": (PEERS, {}),
        "networkPolicy.signalsFrom": (PEERS, {}),
        "networkPolicy.metricsFrom": (PEERS, {}),
        "networkPolicy.extraEgress": ([{"ports": [{"port": 4318}]}], {}),
        "monitoring.serviceMonitors": (True, {}),
        "monitoring.interval": ("5s", {"monitoring": {"serviceMonitors": True}}),
        "monitoring.alerts": (True, {}),
        "monitoring.dashboard": (True, {}),
        "monitoring.labels": ({"release": "prometheus"}, {"monitoring": {"alerts": True}}),
        "embedded.enabled": (True, {}),
        "embedded.image.repository": ("registry.example/tryout", TRYOUT),
        "embedded.image.tag": ("2", TRYOUT),
        "embedded.password": ("another1another2", TRYOUT),
        "embedded.resources": (MORE, TRYOUT),
        "web.host": ("::", {}),
        "web.port": (8000, {}),
    }
    table |= {
        f"database.secrets.{part}": ("own", {}) for part in ("migration", "operator", "receiver", "signals", "worker")
    }
    in_release = {"storage": {"existingSecret": ""}}
    for name in ("region", "accessKeyId", "secretAccessKey"):
        table[f"storage.{name}"] = ("other", in_release)
    table["storage.endpointUrl"] = ("http://s3.example", in_release)
    for target in ("apiServer", "database", "storage", "dns"):
        table |= {f"networkPolicy.{target}.to": (PEERS, {}), f"networkPolicy.{target}.ports": ([1234], {})}
    table |= {f"operator.{name}": (value, {}) for name, value in POD.items()}
    table |= {
        f"operator.{name}": (77, {})
        for name in ("maxConcurrentJobs", "sweepSeconds", "sweepSettleSeconds", "retentionDays")
    }
    table |= {f"operator.{name}Seconds": (77, {}) for name in ("objectWait", "troubleGrace")}
    table |= {f"operator.{name}TtlSeconds": (77, {}) for name in ("failed", "job")}
    table |= {"operator.replicas": (1, {}), "operator.probePort": (9000, {})}
    numbers = ("memoryMiB", "mostMemoryMiB", "cpuMillis", "deadlineSeconds", "retrySeconds")
    table |= {f"worker.{name}": (77, {}) for name in numbers}
    table |= {"worker.mostAttempts": (3, {}), "worker.crossCheck": (True, {}), "worker.queueName": ("clinic", {})}
    table |= {f"worker.{name}": (POD[name], {}) for name in ("nodeSelector", "tolerations")}
    table["signals.sessionStandings"] = (False, {})
    table["worker.priorityClassName"] = ("low", {})
    for part in ("receiver", "signals"):
        table |= {f"{part}.{name}": (value, {}) for name, value in POD.items()}
        table |= {f"{part}.service.{name}": (value, {}) for name, value in SERVICE.items()}
        table |= {
            f"{part}.ingress.enabled": (True, {}),
            f"{part}.route.enabled": (True, {}),
            f"{part}.replicas": (3, {}),
        }
        for name in ("className", "host", "tlsSecret"):
            table[f"{part}.ingress.{name}"] = ("other", {part: INGRESS})
        table[f"{part}.ingress.annotations"] = ({"a": "b"}, {part: INGRESS})
        table |= {f"{part}.route.gateways": ([{"name": "other"}], {part: ROUTE})}
        table |= {f"{part}.route.hosts": (["emg.example"], {part: ROUTE})}
    scaled: dict[str, Any] = {"signals": {"autoscaling": {"enabled": True}}}
    table |= {"signals.corsOrigins": (["https://viewer.example"], {}), "signals.hstsSeconds": (3600, {})}
    table["signals.autoscaling.enabled"] = (True, {})
    table |= {f"signals.autoscaling.{name}": (5, scaled) for name in ("minReplicas", "maxReplicas", "targetCpuPercent")}
    return table


FLIPS = flips()


def test_every_value_has_a_sentence() -> None:
    values = yaml.safe_load(VALUES.read_text())
    assert [value.path for value in FOUND] == [*leaves(values, {value.path for value in FOUND})]
    assert all(value.sentence.endswith((".", ")")) and len(value.sentence) > 10 for value in FOUND)


def test_the_schema_and_the_readme_are_made_of_the_values() -> None:
    assert SCHEMA.read_text() == schema_text(FOUND), "make chart"
    assert README.read_text() == readme_text(README.read_text(), FOUND), "make chart"


def test_every_value_has_another_to_be_tried() -> None:
    assert {value.name for value in FOUND} == set(FLIPS)


@pytest.mark.parametrize("value", FOUND, ids=lambda value: value.name)
def test_every_value_changes_a_manifest(value: Value) -> None:
    other, needed = FLIPS[value.name]
    before = merged(EXISTING, needed)
    assert rendered_text(merged(before, nested(value.name, other))) != rendered_text(before)


@pytest.mark.parametrize("value", FOUND, ids=lambda value: value.name)
def test_a_value_of_another_type_is_refused(value: Value) -> None:
    wrong = [[]] if not isinstance(value.default, list) else "text"
    assert value.name.replace(".", "/") in refusal(merged(EXISTING, nested(value.name, wrong)))


@pytest.mark.parametrize("place", sorted({".".join(value.path[:-1]) for value in FOUND}))
def test_a_value_that_there_is_not_is_refused(place: str) -> None:
    assert "'nonsense' not allowed" in refusal(merged(EXISTING, nested(f"{place}.nonsense".lstrip("."), 1)))


def test_without_a_database_the_advice_names_the_values_that_tell_of_one() -> None:
    assert "database.existingSecret, database.url, or embedded.enabled=true" in refusal(
        {"buckets": EXISTING["buckets"]}
    )


def test_without_a_bucket_the_advice_names_the_value_that_tells_of_one() -> None:
    assert "buckets.NAME=s3://BUCKET, or embedded.enabled=true" in refusal(EXISTING | {"buckets": {}})


def test_no_bucket_is_swept_but_yours() -> None:
    text = rendered_text(merged(TRYOUT, {"buckets": {"clinic": "s3://clinic"}}))
    assert "s3://clinic" in text
    assert "s3://recordings" not in text
