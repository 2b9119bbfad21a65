"""Every alert fires under its condition, and not a step before it: Prometheus's own tester is the witness."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.test_monitoring import FILES, RULES
from tests.cluster.machine import run
from tests.support.promtool import promtool

ALERTS = [rule["alert"] for rule in RULES]
SPEC: dict[str, Any] = yaml.safe_load((FILES / "alerts.yaml").read_text())["spec"]
STANDBY = {'emg_operator_leading{pod="a"}': "0x200", 'emg_operator_leading{pod="b"}': "1x200"}
FAILED_NOTICES = 'emg_webhook_notices_total{sender="s3",outcome="failed",reason="storage-unavailable"}'
REFUSED = 'emg_webhook_notices_total{sender="s3",outcome="refused",reason="not-signed"}'
CREATED = 'emg_webhook_notices_total{sender="s3",outcome="created",reason="none"}'
BROKEN = 'emg_http_answer_seconds_count{operation="signals_channel",status="5xx"}'
WELL = 'emg_http_answer_seconds_count{operation="signals_channel",status="2xx"}'
SLOW = {f'emg_operator_result_seconds_bucket{{le="{le}"}}': more for le, more in (("60", "0x200"), ("120", "0+1x200"))}
QUICK = {f'emg_operator_result_seconds_bucket{{le="{le}"}}': "0+1x200" for le in ("60", "120")}
BEFORE, AFTER = (f'emg_operator_sessions{{reason="InternalError",pod="{pod}"}}' for pod in "ab")
ALL = {'emg_operator_result_seconds_bucket{le="+Inf"}': "0+1x200"}


@dataclass(frozen=True)
class Case:
    """Series by the minute, beside an operator that is well; which alert has fired after so many minutes, if any."""

    series: dict[str, str]
    minutes: int
    fires: str = ""


CASES = [
    Case(STANDBY, 100),
    Case({"emg_operator_leading": "0x200"}, 1),
    Case({"emg_operator_leading": "0x200"}, 3, "EMGNobodyActs"),
    Case({"up": "1x200"}, 3, "EMGNobodyActs"),
    Case({'emg_operator_leading{pod="a"}': "1x200", 'emg_operator_leading{pod="b"}': "1x200"}, 2, "EMGSeveralAct"),
    Case(STANDBY | {'emg_operator_watch_age_seconds{kind="jobs"}': "60x200"}, 100),
    Case(STANDBY | {'emg_operator_watch_age_seconds{kind="jobs"}': "0+60x200"}, 5, "EMGWatchIsSilent"),
    Case(STANDBY | {"emg_operator_queue_oldest_seconds": "59x200"}, 100),
    Case(STANDBY | {"emg_operator_queue_oldest_seconds": "0+60x200"}, 10, "EMGQueueIsOld"),
    Case(STANDBY | {"emg_operator_sweep_finds_total": "0x30 2x200"}, 35),
    Case(STANDBY | {"emg_operator_sweep_finds_total": "0x30 20x200"}, 35, "EMGNoticesAreLost"),
    Case(STANDBY | {"emg_operator_sweep_failing_buckets": "1x200"}, 20, "EMGSweepFails"),
    Case(STANDBY | {"emg_operator_sweep_passed_over": "7x200"}, 20, "EMGKeysCantBeRead"),
    Case(STANDBY | {'emg_operator_sessions{reason="BadRecording"}': "0x70 50x200"}, 75),
    Case(STANDBY | {'emg_operator_sessions{reason="InternalError"}': "40x200"}, 100),
    Case(STANDBY | {'emg_operator_sessions{reason="InternalError"}': "0x10 5x200"}, 15),  # installed within the hour
    Case(STANDBY | {'emg_operator_sessions{reason="InternalError"}': "0x10 6x200"}, 15, "EMGSessionsFail"),
    Case(STANDBY | {'emg_operator_sessions{reason="InternalError"}': "0x70 8x200"}, 75, "EMGSessionsFail"),
    Case(STANDBY | {BEFORE: "40x80 stale", AFTER: "_x80 0 40x100"}, 90),  # another replica acts
    Case(STANDBY | {"emg_operator_out_of_memory_total": "0+1x200", "emg_operator_attempts_total": "0+20x200"}, 100),
    Case(
        STANDBY | {"emg_operator_out_of_memory_total": "0+5x200", "emg_operator_attempts_total": "0+20x200"},
        100,
        "EMGOutOfMemory",
    ),
    Case(STANDBY | ALL | QUICK, 100),
    Case(STANDBY | ALL | SLOW, 100, "EMGResultsAreSlow"),
    Case(STANDBY | {'emg_operator_api_writes_total{kind="job",outcome="conflict"}': "0+9x200"}, 100),
    Case(
        STANDBY | {'emg_operator_api_writes_total{kind="job",outcome="refused"}': "0+1x200"},
        30,
        "EMGApiServerRefuses",
    ),
    Case(STANDBY | {REFUSED: "0+10x200", CREATED: "0+1x200"}, 100),  # somebody on the internet tries
    Case(STANDBY | {REFUSED: "0+10x200", CREATED: "0+1x20 20x200"}, 100, "EMGSenderIsRefused"),
    Case(STANDBY | {REFUSED.replace("not-signed", "unknown-sender"): "0+10x200"}, 100),
    Case(STANDBY | {FAILED_NOTICES: "0 1x200"}, 100),
    Case(STANDBY | {FAILED_NOTICES: "0+2x200"}, 30, "EMGNoticesFail"),
    Case(STANDBY | {BROKEN: "0+1x200", WELL: "0+100x200"}, 100),
    Case(STANDBY | {BROKEN: "0+10x200", WELL: "0+100x200"}, 30, "EMGAnswersFail"),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as Prometheus itself takes them."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def test_prometheus_takes_the_rules(rules: Path) -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in run(promtool(), "check", "rules", rules)


def test_each_alert_fires_under_its_condition_and_no_other_does(rules: Path) -> None:
    tests = rules.with_name("tests.yaml")
    every = [expectation_of(case) for case in CASES]
    tests.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": every}))
    run(promtool(), "test", "rules", tests)


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    assert {case.fires for case in CASES if case.fires} == set(ALERTS)


def expectation_of(case: Case) -> dict[str, Any]:
    """Return what promtool is to find: which alerts fire in the end."""
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    found = [{"labels": f'{{alertname="{case.fires}"}}', "value": 1}] if case.fires else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": f"{case.minutes}m", "exp_samples": found}],
    }
