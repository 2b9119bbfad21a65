import re
from pathlib import Path

import msgspec
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emg_operator.manifests import AttemptPlan, build_job
from emg_session.contract import WorkerContract
from emg_session.resource import JobOptions, RecordingRef
from tests.support.sessions import SETTINGS, SPEC, session

GOLDEN = Path(__file__).parents[2] / "golden" / "job.yaml"
PLAN = AttemptPlan(number=1, memory_mib=136)


def test_the_job_is_the_golden_one() -> None:
    assert build_job(session(), PLAN, SETTINGS) == yaml.safe_load(GOLDEN.read_text())


def test_a_session_can_ask_for_its_own_deadline_cpu_and_queue() -> None:
    wanted = JobOptions(cpu_millis=250, deadline_seconds=42, queue_name="clinic")
    job = build_job(session(msgspec.structs.replace(SPEC, job=wanted)), PLAN, SETTINGS)
    assert job["spec"]["template"]["spec"]["activeDeadlineSeconds"] == 42
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "clinic"
    assert job["spec"]["suspend"] is True
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "250m"


def test_the_worker_reads_back_what_the_manifest_tells_it() -> None:
    container = build_job(session(), PLAN, SETTINGS)["spec"]["template"]["spec"]["containers"][0]
    env = {variable["name"]: as_the_kubelet_reads(variable["value"]) for variable in container["env"]}
    assert WorkerContract.from_env(env) == WorkerContract.of(session())


@given(st.text(alphabet="$()AZ_", max_size=20))
def test_no_object_key_can_pull_another_variable_into_the_worker(key: str) -> None:
    recording = RecordingRef(uri=f"s3://recordings/{key}", version="1")
    spec = msgspec.structs.replace(SPEC, recording=recording)
    container = build_job(session(spec), PLAN, SETTINGS)["spec"]["template"]["spec"]["containers"][0]
    env = {variable["name"]: as_the_kubelet_reads(variable["value"]) for variable in container["env"]}
    assert WorkerContract.from_env(env).recording == recording


def as_the_kubelet_reads(value: str) -> str:
    """$$ is $, and $(NAME) another variable's value."""
    return re.sub(r"\$(\$|\(\w+\))", lambda match: "$" if match[1] == "$" else "a secret", value)
