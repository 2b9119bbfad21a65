"""One recording's way through the whole system, on a real node."""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import emg_core
import httpx2
import numpy as np
import pytest

from emg_session.resource import SESSION_LABEL
from tests.cluster.deployment import Deployment, cluster, require_node
from tests.cluster.machine import run
from tests.support.needs import shared_data
from tests.support.waiting import wait_until

require_node()

EMG = Path(sys.executable).with_name("emg")
RECORDING = "Ghostly_Emg_20230321_17-23-09-0409.c3d"
KEY = "P001/$(AWS_SECRET_ACCESS_KEY) $$.c3d"  # the kubelet would expand it, if it were let


@dataclass(frozen=True)
class Journey:
    """The recording, what `emg analyze` says of it, and what the receiver answered."""

    path: Path
    summary: dict[str, Any]
    answer: httpx2.Response

    @property
    def session(self) -> str:
        code: str = self.answer.json()["session_code"]
        return code


@pytest.fixture(scope="module")
def journey(deployment: Deployment) -> Journey:
    path = shared_data(f"c3d/real/ghostly/{RECORDING}")
    deployment.upload(KEY, path.read_bytes())
    analysed = json.loads(run(EMG, "analyze", path, "--format", "json"))
    done = Journey(path, analysed, deployment.notify(KEY))
    cluster("wait", "--for=condition=Succeeded", f"emgs/{done.session}", "--timeout=600s")
    return done


def test_the_receiver_answers_with_what_the_header_says(journey: Journey) -> None:
    answer = journey.answer.json()
    assert (journey.answer.status_code, answer["created"]) == (202, True)
    assert answer["metadata"] == journey.summary["recording"] | {"sha256": None}


def test_kubectl_shows_the_outcome_in_columns(journey: Journey) -> None:
    header, row = cluster("get", "emgs", journey.session).splitlines()
    summary = journey.summary
    expected = {
        "NAME": journey.session,
        "STATUS": "Completed",
        "QUALITY": str(all(channel["verdict"] == "Usable" for channel in summary["channels"])),
        "SUBJECT": "P001",
        "CHANNELS": str(len(summary["recording"]["channels"])),
        "DURATION": f"{summary['recording']['duration_s']:.1f}s",
        "CONTRACTIONS": str(sum(len(muscle["contractions"]) for muscle in summary["muscles"])),
        "ATTEMPTS": "1",
        "PROFILE": "standard-1",
    }
    shown = dict(zip(header.split(), row.split(), strict=True))
    assert shown == expected | {"AGE": shown["AGE"]}


def test_the_stored_summary_is_that_of_emg_analyze(deployment: Deployment, journey: Journey) -> None:
    sql = """
        SELECT result.analytics_summary
        FROM analysis_results AS result JOIN therapy_sessions AS session USING (file_hash)
        WHERE session.session_code = %(session)s
    """
    assert deployment.query(sql, session=journey.session) == [(journey.summary,)]


def test_a_window_of_signals_has_the_recordings_extremes(deployment: Deployment, journey: Journey) -> None:
    window = deployment.signals(f"jit/{journey.session}/CH1 Raw", start=10, end=12, width=100)
    microvolts = 1e6 * emg_core.open(journey.path)["CH1 Raw"].samples[9900:11880]  # 990 a second
    served = np.array([min(window["minimum"]), max(window["maximum"])], dtype=np.float32)
    assert served.tolist() == np.array([microvolts.min(), microvolts.max()], dtype=np.float32).tolist()


def test_who_may_get_a_session_may_see_its_signals_and_nobody_else(deployment: Deployment, journey: Journey) -> None:
    paths = ("/sessions", f"/sessions/{journey.session}/summary", f"/signals/jit/{journey.session}/CH1?width=10")
    answers = {who: [deployment.signals_as(who, path) for path in paths] for who in ("clinician", "stranger")}
    assert [answer.status_code for answer in answers["clinician"]] == [200, 200, 200]
    assert answers["clinician"][1].json() == journey.summary
    assert [answer.status_code for answer in answers["stranger"]] == [403, 403, 403]


def test_every_read_is_in_the_audit_table(deployment: Deployment, journey: Journey) -> None:
    deployment.signals_as("clinician", f"/sessions/{journey.session}/summary")
    caller = hashlib.sha256(b"kubernetes\nsystem:serviceaccount:emg:clinician").hexdigest()[:32]
    sql = """
        SELECT count(*) FROM audit_log
        WHERE caller = %(caller)s AND operation = 'sessions_summary' AND session_code = %(session)s AND status = 200
    """
    wait_until(lambda: deployment.query(sql, caller=caller, session=journey.session)[0][0], "the line is stored")


def test_the_worker_logs_in_the_trace_of_its_notice(journey: Journey) -> None:
    template = r"jsonpath={.metadata.annotations.emg\.ghostly/traceparent}"
    _, trace_id, *_ = cluster("get", "emgs", journey.session, "-o", template).split("-")
    lines = cluster("logs", f"job/{journey.session}-a1").splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert {(line["trace_id"], line["session"]) for line in told} == {(trace_id, journey.session)}
    assert told[-1]["outcome"] == "stored"
    assert f'"trace_id":"{trace_id}"' in cluster("logs", "deployment/emg-receiver")


def test_personal_data_is_in_its_own_table(deployment: Deployment, journey: Journey) -> None:
    personal = emg_core.open(journey.path).personal
    sql = """
        SELECT player_name, therapist_id, group_id, marker_set
        FROM session_personal_data AS personal JOIN therapy_sessions AS session ON session.id = personal.session_id
        WHERE session.session_code = %(session)s
    """
    columns = ("player_name", "therapist_id", "group_id", "marker_set")
    assert deployment.query(sql, session=journey.session) == [tuple(personal[column] for column in columns)]


def test_no_object_in_the_cluster_holds_personal_data(journey: Journey) -> None:
    personal = emg_core.open(journey.path).personal
    telling = [value for value in personal.values() if len(value) > 3 and value != "N/A"]
    objects = cluster("get", "emgsessions,jobs,pods,events", "-o", "json")
    logs = cluster("logs", "--selector=app.kubernetes.io/name", "--tail=-1") + cluster(
        "logs", f"job/{journey.session}-a1"
    )
    assert telling
    assert [value for value in telling if re.search(rf"\b{re.escape(value)}\b", objects + logs)] == []


def test_a_second_notice_changes_nothing(deployment: Deployment, journey: Journey) -> None:
    again = deployment.notify(KEY).json()
    ours = f"--selector={SESSION_LABEL}={journey.session}"
    jobs: Mapping[str, Any] = json.loads(cluster("get", "jobs", ours, "-o", "json"))
    assert (again["session_code"], again["created"]) == (journey.session, False)
    assert [job["metadata"]["name"] for job in jobs["items"]] == [f"{journey.session}-a1"]
