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


def test_a_complete_job_whose_pod_is_gone_succeeded() -> None:
    at = "2026-03-02T09:59:06Z"
    done = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": at}]}
    assert view_job(job_body(**done), []).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (10, Reason.BAD_RECORDING),
        (15, Reason.BAD_RECORDING),
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


def test_a_deadline_is_its_own_reason_though_the_pod_is_gone() -> None:
    assert view_job(job_body(**failed("DeadlineExceeded")), []).reason is Reason.DEADLINE_EXCEEDED


def test_a_pod_past_its_own_deadline_says_so() -> None:
    job = job_body(**failed("PodFailurePolicy"))
    pod = pod_body(job, "Failed", exitCode=143)
    pod["status"]["reason"] = "DeadlineExceeded"
    assert view_job(job, [pod]).reason is Reason.DEADLINE_EXCEEDED


def test_only_a_job_that_the_session_controls_is_its_attempt() -> None:
    job = job_body()
    assert is_attempt_of("5b0f", job)
    assert not is_attempt_of("another session of the same name", job)
    del job["metadata"]["annotations"]
    assert not is_attempt_of("5b0f", job)


def test_pods_of_other_attempts_do_not_count() -> None:
    assert view_job(job_body(attempt=2), [pod_body(job_body(attempt=1))]).state is JobState.WAITING
