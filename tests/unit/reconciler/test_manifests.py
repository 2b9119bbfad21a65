from pathlib import Path

import msgspec
import yaml

from emg_operator.decisions import AttemptPlan
from emg_operator.manifests import build_job
from emg_session.contract import WorkerContract
from emg_session.resource import JobOptions
from tests.support.sessions import SETTINGS, SPEC, session

GOLDEN = Path(__file__).parents[2] / "golden" / "job.yaml"
PLAN = AttemptPlan(number=1, memory_mib=136)


def test_the_job_is_the_golden_one() -> None:
    assert build_job(session(), PLAN, SETTINGS) == yaml.safe_load(GOLDEN.read_text())


def test_a_session_can_ask_for_its_own_deadline_cpu_and_queue() -> None:
    wanted = JobOptions(cpu_millis=250, deadline_seconds=42, queue_name="clinic")
    job = build_job(session(msgspec.structs.replace(SPEC, job=wanted)), PLAN, SETTINGS)
    assert job["spec"]["activeDeadlineSeconds"] == 42
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "clinic"
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "250m"


def test_the_worker_reads_back_what_the_manifest_tells_it() -> None:
    container = build_job(session(), PLAN, SETTINGS)["spec"]["template"]["spec"]["containers"][0]
    env = {variable["name"]: variable["value"] for variable in container["env"]}
    assert WorkerContract.from_env(env) == WorkerContract.of(session())
