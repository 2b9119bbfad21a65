from typing import Any

import pytest

from emg_operator.job_view import JobState, is_attempt_of, view_job
from emg_session.contract import TerminationMessage
from emg_session.status import Reason
from tests.support.sessions import failed, job_body, pod_body

LAST_WORDS = TerminationMessage(exit_code=11, message="GroupPastEnd at byte 1042").to_bytes().decode()


def test_a_job_without_a_pod_is_waiting() -> None:
    assert view_job(job_body(), []).state is JobState.WAITING


def test_a_running_pod_makes_a_running_job() -> None:
    job = job_body()
    assert view_job(job, [pod_body(job)]).state is JobState.RUNNING


def test_a_pod_that_stored_is_believed_before_the_job_is_complete() -> None:
    job = job_body()
    seen = view_job(job, [pod_body(job, exitCode=0, finishedAt="2026-03-02T09:59:05Z")])
    assert (seen.state, seen.exit_code) == (JobState.SUCCEEDED, 0)


def test_a_pod_killed_for_memory_is_no_success_whatever_its_exit_code() -> None:
    job = job_body(**failed("PodFailurePolicy"))
    seen = view_job(job, [pod_body(job, exitCode=0, reason="OOMKilled")])
    assert (seen.state, seen.reason) == (JobState.FAILED, Reason.OUT_OF_MEMORY)


COMPLETE = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": "2026-03-02T09:59:06Z"}]}


def test_a_complete_job_whose_pod_is_gone_succeeded() -> None:
    assert view_job(job_body(**COMPLETE), []).state is JobState.SUCCEEDED


def test_a_job_that_is_complete_though_its_pod_was_killed_for_memory_failed() -> None:
    job = job_body(**COMPLETE)
    seen = view_job(job, [pod_body(job, exitCode=0, reason="OOMKilled")])
    assert (seen.state, seen.reason, seen.over) == (JobState.FAILED, Reason.OUT_OF_MEMORY, True)


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (10, Reason.BAD_RECORDING),
        (14, Reason.BAD_RECORDING),
        (15, Reason.SUPERSEDED),
        (20, Reason.STORAGE_UNAVAILABLE),
        (21, Reason.DATABASE_UNAVAILABLE),
        (22, Reason.WAITING_FOR_OBJECT),
        (70, Reason.INTERNAL_ERROR),
        (1, Reason.INTERNAL_ERROR),
    ],
)
def test_the_exit_code_says_why_a_job_failed(exit_code: int, reason: Reason) -> None:
    job = job_body(**failed("BackoffLimitExceeded"))
    assert view_job(job, [pod_body(job, exitCode=exit_code)]).reason is reason


def test_the_last_words_become_the_message() -> None:
    job = job_body(**failed("PodFailurePolicy"))
    assert view_job(job, [pod_body(job, exitCode=11, message=LAST_WORDS)]).message == "GroupPastEnd at byte 1042"


def test_words_that_are_not_ours_are_not_repeated() -> None:
    job = job_body(**failed("BackoffLimitExceeded"))
    seen = view_job(job, [pod_body(job, exitCode=70, message="Traceback: player Jane Doe")])
    assert seen.message == "the worker ended with exit code 70 and said nothing"


def test_a_jobs_deadline_is_nobodys_failure_where_no_pod_ever_ended() -> None:
    seen = view_job(job_body(**failed("DeadlineExceeded")), [])
    assert (seen.reason, seen.exit_code) == (Reason.INTERNAL_ERROR, None)


@pytest.mark.parametrize(
    ("code", "started_at", "reason"),
    [(143, "2026-03-02T09:59:05Z", Reason.DEADLINE_EXCEEDED), (137, None, Reason.INTERNAL_ERROR)],
)
def test_a_pod_past_its_own_deadline_says_so_but_not_of_a_container_that_never_started(
    code: int, started_at: str | None, reason: Reason
) -> None:
    job = job_body(**failed("PodFailurePolicy"))
    pod = pod_body(job, "Failed", exitCode=code, startedAt=started_at)
    pod["status"]["reason"] = "DeadlineExceeded"
    seen = view_job(job, [pod])
    assert (seen.reason, seen.exit_code) == (reason, code)


def test_only_a_job_that_the_session_controls_is_its_attempt() -> None:
    job = job_body()
    assert is_attempt_of("5b0f", job)
    assert not is_attempt_of("another session of the same name", job)
    del job["metadata"]["annotations"]
    assert not is_attempt_of("5b0f", job)


def test_pods_of_other_attempts_do_not_count() -> None:
    assert view_job(job_body(attempt=2), [pod_body(job_body(attempt=1))]).state is JobState.WAITING


def test_pods_of_a_job_that_had_the_name_before_do_not_count() -> None:
    job, before = job_body(), job_body()
    before["metadata"]["uid"] = "the one that was deleted"
    assert view_job(job, [pod_body(before, exitCode=0)]).state is JobState.WAITING


def test_a_job_being_deleted_is_stopping_until_it_is_over() -> None:
    job = job_body()
    job["metadata"]["deletionTimestamp"] = "2026-03-02T09:59:10Z"
    assert view_job(job, [pod_body(job)]).state is JobState.STOPPING


def test_a_job_that_we_stop_did_not_fail_though_its_pod_was_killed_for_it() -> None:
    job = job_body(**failed("PodFailurePolicy"))
    job["metadata"]["deletionTimestamp"] = "2026-03-02T09:59:10Z"
    seen = view_job(job, [pod_body(job, "Failed", exitCode=143)])
    assert (seen.state, seen.as_attempt().ended) == (JobState.STOPPING, False)


@pytest.mark.parametrize(("exit_code", "state"), [(11, "Running"), (137, "Running"), (21, "Waiting")])
def test_a_job_whose_pod_ended_is_waiting_only_if_another_pod_follows(exit_code: int, state: str) -> None:
    job = job_body()
    assert view_job(job, [pod_body(job, "Failed", exitCode=exit_code)]).state == state


def test_a_suspended_job_is_suspended() -> None:
    job = job_body()
    job["spec"]["suspend"] = True
    assert view_job(job, []).state is JobState.SUSPENDED


def test_the_exit_code_is_taken_from_the_jobs_own_words_where_the_pod_is_gone() -> None:
    status = failed("PodFailurePolicy")
    status["conditions"][0]["message"] = (
        "Container worker for pod emg/x failed with exit code 12 matching FailJob rule at index 1"
    )
    seen = view_job(job_body(**status), [])
    assert (seen.exit_code, seen.reason) == (12, Reason.BAD_RECORDING)


def test_memory_and_the_last_lines_come_from_the_last_words() -> None:
    log = tuple(f"+{number} ms: step {number}" for number in range(8))
    words = TerminationMessage(exit_code=70, message="a bug", used_mib=91, log=log).to_bytes().decode()
    job = job_body(**failed("BackoffLimitExceeded"))
    attempt = view_job(job, [pod_body(job, exitCode=70, message=words)]).as_attempt()
    assert (attempt.used_mib, attempt.log) == (91, "\n".join(log[-4:]))


def test_how_far_a_worker_came_is_known_though_it_was_killed_for_memory() -> None:
    words = TerminationMessage(message="ended by force", log=("+9 ms: analysing 900000000 bytes",)).to_bytes().decode()
    job = job_body(**failed("PodFailurePolicy"))
    seen = view_job(job, [pod_body(job, exitCode=137, reason="OOMKilled", message=words)])
    assert (seen.reason, seen.log) == (Reason.OUT_OF_MEMORY, "+9 ms: analysing 900000000 bytes")


def waiting_pod(**status: Any) -> dict[str, Any]:
    pod = pod_body(job_body(), "Pending")
    return pod | {"status": pod["status"] | status}


def test_an_image_that_cannot_be_pulled_is_trouble_by_one_name() -> None:
    said = [
        {"reason": "ErrImagePull", "message": "rpc error: code = NotFound"},
        {"reason": "ImagePullBackOff", "message": "Back-off pulling image"},
    ]
    pods = [waiting_pod(containerStatuses=[{"name": "worker", "state": {"waiting": state}}]) for state in said]
    assert {trouble_of(pod) for pod in pods} == {"ImagePullBackOff: the image can't be pulled"}


def test_a_pod_that_fits_on_no_node_is_trouble() -> None:
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    assert trouble_of(waiting_pod(conditions=[unschedulable])) == "Unschedulable: 0/1 nodes"


def test_a_container_on_its_way_is_no_trouble() -> None:
    creating = {"name": "worker", "state": {"waiting": {"reason": "ContainerCreating"}}}
    assert trouble_of(waiting_pod(containerStatuses=[creating])) is None


def trouble_of(pod: dict[str, Any]) -> str | None:
    trouble = view_job(job_body(), [pod]).trouble
    return trouble.message if trouble else None
