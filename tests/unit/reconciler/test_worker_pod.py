"""What an installation may say of workers' pods."""

import msgspec
import pytest

from emg_operator.manifests import AttemptPlan, build_job
from emg_operator.settings import OperatorSettings
from emg_operator.worker_pod import WorkerPod, in_queue
from emg_session.errors import InvalidSettings
from emg_session.resource import JobOptions
from tests.support.sessions import SPEC, session

ENV = {"EMG_NAMESPACE": "emg", "EMG_WORKER_IMAGE": "image"}


def settings(**env: str) -> OperatorSettings:
    return OperatorSettings.from_env(ENV | env)


def test_an_account_of_the_workers_own_gives_them_no_token() -> None:
    text = '{"serviceAccountName": "emg-worker"}'
    job = build_job(session(), AttemptPlan(number=1, memory_mib=128), settings(EMG_WORKER_POD=text))
    spec = job["spec"]["template"]["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("emg-worker", False)


def test_every_secret_that_is_named_is_in_the_workers_environment() -> None:
    job = build_job(session(), AttemptPlan(number=1, memory_mib=128), settings(EMG_WORKER_SECRET="one, two"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "one"}}, {"secretRef": {"name": "two"}}]


def test_what_is_said_of_the_pod_is_in_its_spec_and_its_security_stays() -> None:
    text = (
        '{"priorityClassName": "low", "nodeSelector": {"pool": "jobs"}, "imagePullPolicy": "Always", "runAsUser": null}'
    )
    plan = AttemptPlan(number=1, memory_mib=128)
    spec = build_job(session(), plan, settings(EMG_WORKER_POD=text))["spec"]["template"]["spec"]
    assert (spec["priorityClassName"], spec["nodeSelector"]) == ("low", {"pool": "jobs"})
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize("text", ['{"hostNetwork": true}', '{"securityContext": {}}', '{"runAsUser": "root"}', "[]"])
def test_what_would_make_it_less_harmless_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings, match="EMG_WORKER_POD can't be read"):
        WorkerPod.from_json(text)


def test_root_is_nobody_a_worker_runs_as() -> None:
    with pytest.raises(InvalidSettings):
        WorkerPod.from_json('{"runAsUser": 0}')


def test_a_session_that_names_no_queue_waits_in_the_installations() -> None:
    assert in_queue(session(), "clinic").spec.job.queue_name == "clinic"
    assert in_queue(session(), None) == session()


def test_a_session_that_names_a_queue_stays_in_it() -> None:
    own = session(msgspec.structs.replace(SPEC, job=JobOptions(queue_name="own")))
    assert in_queue(own, "clinic").spec.job.queue_name == "own"
