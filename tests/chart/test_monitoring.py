"""Alerts and dashboard name only what our programs tell."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from emg_api.metrics import Metrics as WebMetrics
from emg_api.metrics import Outcome
from emg_api.problems import KINDS
from emg_operator.metrics import Metrics, SweepOutcome, WriteOutcome
from emg_session.status import Reason

FILES = Path(__file__).parents[2] / "charts" / "emg-operator" / "files"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["spec"]["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
SERIES = re.compile(r"\b(?:emg_operator|emg_webhook|emg_http|process)_[a-z_]+")
MATCHER = re.compile(r'(?P<label>\w+)(?P<how>=~|!=|=)"(?P<value>[^"]*)"')
LABELS = {
    "reason": {reason.value for reason in Reason} | {kind.slug for kind in KINDS.values()},
    "outcome": {outcome.value for outcome in (*SweepOutcome, *WriteOutcome, *Outcome)},
    "status": {"2xx", "3xx", "4xx", "5xx"},
}


def told() -> set[str]:
    """Return every series' name; one that only a running operator has a value for is named by its family."""
    metrics = Metrics()
    metrics.follow_sessions(dict)
    families = [*metrics.registry.collect(), *told_by_web_programs()]
    return {sample.name for family in families for sample in family.samples} | {family.name for family in families}


def told_by_web_programs() -> list[Metric]:
    metrics = WebMetrics()
    metrics.notice("supabase", Outcome.CREATED)
    metrics.answered("health_alive", 200, 0.1)
    return list(text_string_to_metric_families(metrics.exposition().decode()))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_is_promql(expression: str) -> None:
    promql_parser.parse(expression.replace("$__rate_interval", "5m"))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_series_that_is_asked_for_is_told(expression: str) -> None:
    names = set(SERIES.findall(expression))
    assert names
    assert names - told() == set()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_label_that_is_asked_for_is_of_its_closed_set(expression: str) -> None:
    for matcher in MATCHER.finditer(expression):
        assert set(matcher["value"].split("|")) <= LABELS[matcher["label"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_look_at(rule: dict[str, Any]) -> None:
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["labels"]["severity"] in ("warning", "critical")


def test_every_metric_of_the_operator_is_on_the_dashboard_or_in_an_alert() -> None:
    asked = set(SERIES.findall(" ".join(EXPRESSIONS)))
    own = {family.name for family in Metrics().registry.collect() if family.name.startswith("emg_operator")}
    assert {name for name in own if not any(series.startswith(name) for series in asked)} == set()
