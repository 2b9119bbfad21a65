"""What becomes of sessions when something is wrong, on a real node."""

import json
import time
from typing import Any

import pytest
from msgspec.structs import replace

from emg_session.resource import JobOptions, RecordingRef, SessionSpec, build_session
from tests.cluster.deployment import (
    DATABASE_PORT,
    NAMESPACE,
    S3_PORT,
    Deployment,
    cluster,
    outage,
    require_node,
    results_locked,
)
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

MIB = 2**20


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()


def create(stored: RecordingRef, **job: Any) -> str:
    """Create a session and return its name."""
    spec = SessionSpec(recording=stored, profile="standard-1", job=JobOptions(**job))
    manifest = build_session(spec, namespace=NAMESPACE)
    cluster("create", "-f", "-", stdin=json.dumps(manifest))
    name: str = manifest["metadata"]["name"]
    return name


def change(name: str, **spec: Any) -> None:
    cluster("patch", "emgsession", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def status(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster("get", "emgsession", name, "-o", "json")).get("status", {})
    return found


def reason(name: str) -> str | None:
    return next((c["reason"] for c in status(name).get("conditions", []) if c["type"] == "Succeeded"), None)


def wait_for(name: str, word: str) -> dict[str, Any]:
    wait_until(lambda: reason(name) == word, f"{name} is {word}")
    return status(name)


def jobs_of(name: str) -> list[str]:
    jobs = json.loads(cluster("get", "jobs", "--selector", f"emg.ghostly/session={name}", "-o", "json"))["items"]
    return [job["metadata"]["name"] for job in jobs]


def test_a_recording_that_needs_more_memory_gets_it_with_the_second_attempt(
    deployment: Deployment, recording: bytes
) -> None:
    name = create(deployment.upload("P101/large.c3d", recording + bytes(120 * MIB)), memory_mib=160)
    first, second = wait_for(name, "Completed")["attempts"]
    assert (first["memoryMiB"], first["reason"], first["exitCode"]) == (160, "OutOfMemory", 137)
    assert (second["memoryMiB"], second["reason"], second["exitCode"]) == (320, "Completed", 0)
    assert second["usedMiB"] > first["memoryMiB"]
    assert "storing" in second["log"]


def test_a_bad_recording_is_tried_once_and_says_why(deployment: Deployment, recording: bytes) -> None:
    name = create(deployment.upload("P102/short.c3d", recording[:4096]))
    (attempt,) = wait_for(name, "BadRecording")["attempts"]
    assert (attempt["exitCode"], attempt["reason"]) == (13, "BadRecording")
    assert "samples" in status(name)["conditions"][-1]["message"]
    assert jobs_of(name) == [f"{name}-a1"]


@pytest.mark.parametrize(("port", "word"), [(S3_PORT, "StorageUnavailable"), (DATABASE_PORT, "DatabaseUnavailable")])
def test_an_outage_is_waited_for_and_costs_no_attempt(
    deployment: Deployment, recording: bytes, port: int, word: str
) -> None:
    stored = deployment.upload(f"P103/{word}.c3d", recording)
    with outage(port):
        name = create(stored)
        wait_for(name, word)
        assert jobs_of(name) == []
    assert wait_for(name, "Completed")["attemptCount"] == 1


def test_an_outage_while_the_worker_runs_is_tried_again(deployment: Deployment, recording: bytes) -> None:
    stored = deployment.upload("P104/take.c3d", recording)
    with results_locked(deployment):
        name = create(stored)
        wait_for(name, "Retrying")
    assert [a["reason"] for a in wait_for(name, "Completed")["attempts"]] == ["Completed"]


def test_a_worker_past_its_deadline_is_stopped_and_not_tried_again(deployment: Deployment, recording: bytes) -> None:
    stored = deployment.upload("P105/take.c3d", recording)
    with results_locked(deployment):
        name = create(stored, deadline_seconds=5)
        *unstarted, last = wait_for(name, "DeadlineExceeded")["attempts"]
    assert last["reason"] == "DeadlineExceeded"
    # A node that is busy may take longer to start a container at all, which is nobody's failure.
    assert {attempt["reason"] for attempt in unstarted} <= {"InternalError"}


def test_suspending_stops_a_job_and_resuming_makes_it_again(deployment: Deployment, recording: bytes) -> None:
    stored = deployment.upload("P106/take.c3d", recording)
    with results_locked(deployment):
        name = create(stored)
        wait_for(name, "Running")
        change(name, suspend=True)
        wait_until(lambda: jobs_of(name) == [], "the Job is gone")
        wait_for(name, "Suspended")
    change(name, suspend=False)
    assert wait_for(name, "Completed")["attemptCount"] == 1


def test_a_newer_version_of_an_object_supersedes_the_older(deployment: Deployment, recording: bytes) -> None:
    key = "P107/take.c3d"
    deployment.upload(key, recording)
    uploaded_s = int(time.time())
    with results_locked(deployment):
        older = deployment.notify(key).json()["session_code"]
        wait_for(older, "Running")
        wait_until(lambda: int(time.time()) > uploaded_s, "storage, which tells whole seconds, can tell the two apart")
        deployment.upload(key, recording + b"\0")
        newer = deployment.notify(key).json()["session_code"]
        wait_for(older, "Superseded")
        wait_until(lambda: jobs_of(older) == [], "the older one's Job is gone")
    wait_for(newer, "Completed")


def test_other_options_make_another_result_and_keep_the_first(deployment: Deployment, recording: bytes) -> None:
    stored = deployment.upload("P108/take.c3d", recording + b"\1")
    name = create(stored)
    digest = wait_for(name, "Completed")["result"]["profileDigest"]
    change(name, options={"mergeGapMs": 77})
    wait_until(lambda: status(name).get("result", {}).get("profileDigest", digest) != digest, "there is another result")
    sql = """
        SELECT count(*) FROM analysis_results AS result JOIN therapy_sessions AS session USING (file_hash)
        WHERE session.session_code = %(session)s
    """
    assert deployment.query(sql, session=name) == [(2,)]
    assert f"{name}-a2" in jobs_of(name)


def test_a_queues_job_runs_once_the_queue_lets_it(deployment: Deployment, recording: bytes) -> None:
    name = create(deployment.upload("P109/take.c3d", recording), queue_name="clinic")
    wait_until(lambda: jobs_of(name) == [f"{name}-a1"], "the Job is made")
    assert "waits for queue clinic" in wait_for(name, "Queued")["conditions"][-1]["message"]
    cluster("patch", "job", f"{name}-a1", "--type=merge", "-p", '{"spec": {"suspend": false}}')
    wait_for(name, "Completed")


def test_a_finished_session_goes_in_time_with_its_job_and_leaves_its_summary(
    deployment: Deployment, recording: bytes
) -> None:
    stored = deployment.upload("P110/take.c3d", recording)
    name = create(stored)
    wait_for(name, "Completed")
    change(name, ttlSecondsAfterFinished=0)
    cluster("wait", "--for=delete", f"emgsession/{name}", "--timeout=600s")
    wait_until(lambda: jobs_of(name) == [], "its Job followed")
    assert deployment.query("SELECT 1 FROM therapy_sessions WHERE session_code = %(name)s", name=name) == [(1,)]


def test_an_object_that_is_not_there_yet_is_waited_for(deployment: Deployment, recording: bytes) -> None:
    stored = deployment.upload("P111/take.c3d", recording)
    late = replace(stored, uri="s3://recordings/P111/late.c3d")
    name = create(late)
    wait_for(name, "WaitingForObject")
    deployment.upload("P111/late.c3d", recording)
    assert wait_for(name, "Completed")["attemptCount"] == 1
