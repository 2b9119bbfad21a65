import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emg_local.cluster import LocalCluster
from emg_local.job_bodies import finished
from emg_local.jobs import LocalJobs
from emg_operator.bodies import Kind
from tests.support.waiting import until

SAY = "import os, pathlib; pathlib.Path(os.environ['EMG_TERMINATION_LOG']).write_text(os.environ['WORDS'])"
FAIL_JOB = {"action": "FailJob", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [10, 11]}}


def now() -> datetime:
    return datetime.now(UTC)


def job(program: str, **spec: Any) -> dict[str, Any]:
    env = [{"name": "WORDS", "value": "done well"}]
    container = {"name": "worker", "image": "none", "command": ["python3", "-c", program], "env": env}
    return {
        "metadata": {"name": "emg-a-a1", "namespace": "local", "labels": {"emg.ghostly/session": "emg-a"}},
        "spec": {
            "backoffLimit": 2,
            "podFailurePolicy": {"rules": [FAIL_JOB]},
            "template": {
                "metadata": {"labels": {"emg.ghostly/session": "emg-a"}},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        }
        | spec,
    }


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[LocalCluster]:
    cluster = LocalCluster(folder / "cluster", now=now)
    jobs = LocalJobs(cluster, folder=folder / "logs", secrets={"SECRET": "s"}, now=now, backoff_s=0.01)
    cluster.watch(jobs.observe)
    task = asyncio.create_task(jobs.run())
    try:
        yield cluster
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(cluster: LocalCluster) -> dict[str, Any]:
    await until(lambda: finished(cluster.body(Kind.JOB, "emg-a-a1")), "the Job ended")
    return cluster.body(Kind.JOB, "emg-a-a1")["status"]


def terminated(cluster: LocalCluster) -> list[dict[str, Any]]:
    pods = cluster.bodies(Kind.POD)
    return [pod["status"]["containerStatuses"][0]["state"]["terminated"] for pod in pods]


def condition(status: dict[str, Any]) -> tuple[str, str]:
    last = status["conditions"][-1]
    return last["type"], last["reason"]


async def test_a_job_that_works_is_complete(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job(SAY))
        status = await ended(cluster)
    assert condition(status) == ("Complete", "CompletionsReached")
    assert (status["active"], status["failed"], status["succeeded"]) == (0, 0, 1)
    (pod,) = cluster.bodies(Kind.POD)
    labels = pod["metadata"]["labels"]
    assert (pod["status"]["phase"], labels["emg.ghostly/session"]) == ("Succeeded", "emg-a")
    assert labels["batch.kubernetes.io/job-name"] == "emg-a-a1"
    (state,) = terminated(cluster)
    assert (state["exitCode"], state["reason"], state["message"]) == (0, "Completed", "done well")


async def test_a_process_gets_its_secret_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "not for the worker")
    names = "import os; print(sorted(name for name in os.environ if name in ('OURS', 'SECRET', 'WORDS')))"
    async with working(tmp_path) as cluster:
        await cluster.create_job(job(names))
        await ended(cluster)
    (log,) = (tmp_path / "logs").glob("*.log")
    assert log.read_text() == "['SECRET', 'WORDS']\n"


async def test_a_transient_failure_is_tried_up_to_the_backoff_limit(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job("raise SystemExit(20)"))
        status = await ended(cluster)
    assert (condition(status), status["failed"]) == (("Failed", "BackoffLimitExceeded"), 3)
    assert [state["exitCode"] for state in terminated(cluster)] == [20, 20, 20]


async def test_a_bad_recording_fails_the_job_at_once(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job("raise SystemExit(11)"))
        status = await ended(cluster)
    assert (condition(status), status["failed"]) == (("Failed", "PodFailurePolicy"), 1)


async def test_a_job_past_its_deadline_is_ended_with_its_process(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job("import time; time.sleep(600)", activeDeadlineSeconds=1))
        status = await ended(cluster)
    assert condition(status) == ("Failed", "DeadlineExceeded")
    assert cluster.bodies(Kind.POD) == []


async def test_a_command_that_cannot_start_is_an_exit_code(tmp_path: Path) -> None:
    manifest = job("", backoffLimit=0)
    manifest["spec"]["template"]["spec"]["containers"][0]["command"] = [str(tmp_path / "missing")]
    async with working(tmp_path) as cluster:
        await cluster.create_job(manifest)
        await ended(cluster)
    assert [(state["exitCode"], state["reason"]) for state in terminated(cluster)] == [(128, "StartError")]


async def test_a_clean_stop_takes_its_pod_along_and_the_next_start_runs_another(tmp_path: Path) -> None:
    once = f"import os, time; os.path.exists({str(tmp_path / 'again')!r}) or time.sleep(600)"
    async with working(tmp_path) as cluster:
        await cluster.create_job(job(once))
        await until(lambda: [p for p in cluster.bodies(Kind.POD) if p["status"]["phase"] == "Running"], "it runs")
    assert cluster.bodies(Kind.POD) == []
    (tmp_path / "again").touch()
    async with working(tmp_path) as cluster:
        status = await ended(cluster)
    assert (condition(status), status["failed"]) == (("Complete", "CompletionsReached"), 0)


async def test_a_pod_lost_in_a_crash_is_replaced_and_counted(tmp_path: Path) -> None:
    crashed = LocalCluster(tmp_path / "cluster", now=now)
    await crashed.create_job(
        job("") | {"status": {"startTime": (now() - timedelta(seconds=5)).isoformat(), "active": 1}}
    )
    lost = {"name": "emg-a-a1-lost0", "namespace": "local", "labels": {"batch.kubernetes.io/job-name": "emg-a-a1"}}
    crashed.add(Kind.POD, {"metadata": lost, "status": {"phase": "Running"}})
    async with working(tmp_path) as cluster:
        status = await ended(cluster)
    assert (condition(status), status["failed"]) == (("Complete", "CompletionsReached"), 1)
    assert "emg-a-a1-lost0" not in [pod["metadata"]["name"] for pod in cluster.bodies(Kind.POD)]


async def test_a_job_that_is_deleted_is_stopped_and_goes_with_its_pods(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job("import time; time.sleep(600)"))
        await until(lambda: running(cluster) == 1, "its process runs")
        await cluster.delete_job("local", "emg-a-a1", cluster.body(Kind.JOB, "emg-a-a1")["metadata"]["uid"])
        await until(lambda: cluster.bodies(Kind.JOB) == [], "the Job has gone")
        assert cluster.bodies(Kind.POD) == []
        await cluster.create_job(job(SAY))
        assert condition(await ended(cluster))[0] == "Complete"


async def test_another_job_of_the_same_name_is_let_be(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job(SAY))
        await cluster.delete_job("local", "emg-a-a1", "the uid of one before")
        assert condition(await ended(cluster))[0] == "Complete"


async def test_a_suspended_job_waits_for_whoever_suspended_it(tmp_path: Path) -> None:
    async with working(tmp_path) as cluster:
        await cluster.create_job(job(SAY, suspend=True))
        other = job(SAY)
        other["metadata"] |= {"name": "emg-b-a1"}
        await cluster.create_job(other)
        await until(lambda: finished(cluster.body(Kind.JOB, "emg-b-a1")), "the other one ended")
        assert cluster.bodies(Kind.POD, prefix="emg-a") == []


def running(cluster: LocalCluster) -> int:
    return sum(pod["status"]["phase"] == "Running" for pod in cluster.bodies(Kind.POD))
