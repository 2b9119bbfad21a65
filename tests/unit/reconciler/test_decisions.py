from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_operator.decisions import AttemptPlan, DatabaseState, NextStep, NoSummary, decide_next
from emg_operator.job_view import JobState, JobView
from emg_session.resource import EMGSession, JobOptions
from emg_session.status import ConditionType, Reason, SessionStatus, Truth
from tests.support.sessions import FACTS, NOW, SETTINGS, SPEC, session


def view(state: JobState, **fields: Any) -> JobView:
    given_fields = {"attempt": 1, "memory_mib": 136} | fields
    name = f"{session().name}-a{given_fields['attempt']}"
    return JobView(name=name, state=state, created_at=NOW, **given_fields)


def failed(reason: Reason, **fields: Any) -> JobView:
    return view(JobState.FAILED, reason=reason, finished_at=NOW, **fields)


def decide(
    *jobs: JobView, database: DatabaseState = NoSummary.NOT_ASKED, of: EMGSession | None = None, later_s: float = 0
) -> NextStep:
    return decide_next(of or session(), jobs, database, NOW + timedelta(seconds=later_s), SETTINGS)


def top(step: NextStep) -> tuple[Truth, Reason]:
    condition = step.status.condition(ConditionType.SUCCEEDED)
    assert condition is not None
    return condition.status, condition.reason


def test_a_new_session_gets_one_job_and_all_conditions() -> None:
    step = decide()
    assert step.attempt == AttemptPlan(number=1, memory_mib=136)
    assert [c.type for c in step.status.conditions] == list(ConditionType)
    assert top(step) == (Truth.UNKNOWN, Reason.QUEUED)


def test_a_suspended_session_gets_no_job() -> None:
    step = decide(of=session(msgspec.structs.replace(SPEC, suspend=True)))
    assert step.attempt is None
    assert top(step) == (Truth.UNKNOWN, Reason.SUSPENDED)


@pytest.mark.parametrize(("state", "reason"), [(JobState.WAITING, Reason.QUEUED), (JobState.RUNNING, Reason.RUNNING)])
def test_an_unfinished_job_is_waited_for(state: JobState, reason: Reason) -> None:
    step = decide(view(state))
    assert (step.attempt, top(step)) == (None, (Truth.UNKNOWN, reason))


def test_success_needs_the_summary_in_the_database() -> None:
    done = view(JobState.SUCCEEDED, finished_at=NOW, exit_code=0)
    assert top(decide(done, database=FACTS)) == (Truth.TRUE, Reason.COMPLETED)
    assert top(decide(done, database=NoSummary.UNREACHABLE)) == (Truth.UNKNOWN, Reason.DATABASE_UNAVAILABLE)
    assert top(decide(done, database=NoSummary.MISSING)) == (Truth.UNKNOWN, Reason.RETRYING)


def test_success_copies_the_facts_into_the_status() -> None:
    status = decide(view(JobState.SUCCEEDED), database=FACTS).status
    assert (status.recording, status.result) == (FACTS.recording, FACTS.result)
    assert (status.channel_count, status.duration, status.attempt_count) == (2, "75.0s", 1)
    assert status.finished_at == NOW


def test_a_bad_recording_is_not_tried_again() -> None:
    step = decide(failed(Reason.BAD_RECORDING, exit_code=11, message="GroupPastEnd at byte 1042"))
    assert (step.attempt, step.again_after_s) == (None, None)
    assert top(step) == (Truth.FALSE, Reason.BAD_RECORDING)


def test_an_unknown_profile_is_the_specs_fault_not_the_recordings() -> None:
    status = decide(failed(Reason.BAD_RECORDING, exit_code=14)).status
    assert [str(c.status) for c in status.conditions[:2]] == ["False", "Unknown"]


def test_a_worker_killed_after_it_had_stored_has_succeeded() -> None:
    killed = failed(Reason.INTERNAL_ERROR, exit_code=137)
    assert top(decide(killed, database=FACTS)) == (Truth.TRUE, Reason.COMPLETED)


def test_a_killed_worker_is_replaced_after_a_pause() -> None:
    step = decide(failed(Reason.INTERNAL_ERROR, exit_code=143), later_s=31)
    assert step.attempt == AttemptPlan(number=2, memory_mib=136)


def test_a_suspended_session_gets_no_further_job() -> None:
    step = decide(failed(Reason.OUT_OF_MEMORY), of=session(msgspec.structs.replace(SPEC, suspend=True)))
    assert (step.attempt, top(step)) == (None, (Truth.UNKNOWN, Reason.SUSPENDED))


def test_out_of_memory_climbs_the_ladder_at_once() -> None:
    step = decide(failed(Reason.OUT_OF_MEMORY))
    assert step.attempt == AttemptPlan(number=2, memory_mib=272)


def test_the_memory_ladder_ends_at_the_cap() -> None:
    step = decide(failed(Reason.OUT_OF_MEMORY, memory_mib=SETTINGS.most_memory_mib))
    assert top(step) == (Truth.FALSE, Reason.OUT_OF_MEMORY)


def test_an_outage_is_backed_off_from_then_tried_again() -> None:
    outage = failed(Reason.STORAGE_UNAVAILABLE)
    waiting, again = decide(outage, later_s=10), decide(outage, later_s=31)
    assert (waiting.attempt, waiting.again_after_s) == (None, 20.0)
    assert again.attempt == AttemptPlan(number=2, memory_mib=136)


def test_attempts_end_where_the_session_says() -> None:
    spec = msgspec.structs.replace(SPEC, job=JobOptions(max_attempts=1))
    step = decide(failed(Reason.OUT_OF_MEMORY), of=session(spec))
    assert (step.attempt, top(step)) == (None, (Truth.FALSE, Reason.OUT_OF_MEMORY))


def test_a_finished_session_is_left_alone() -> None:
    done = decide(view(JobState.SUCCEEDED), database=FACTS).status
    finished = session(**msgspec.to_builtins(done))
    assert decide(failed(Reason.INTERNAL_ERROR), of=finished) == NextStep(status=done)


def test_a_condition_that_stays_keeps_its_transition_time() -> None:
    before = decide(view(JobState.WAITING)).status
    after = decide(view(JobState.RUNNING), of=session(**msgspec.to_builtins(before)), later_s=60).status
    accepted = after.condition(ConditionType.ACCEPTED)
    assert accepted is not None
    assert accepted.last_transition_time == NOW


VIEWS = st.builds(
    lambda state, reason, attempt, memory, ago: JobView(
        name=f"{session().name}-a{attempt}",
        attempt=attempt,
        memory_mib=memory,
        state=state,
        created_at=NOW,
        finished_at=NOW - timedelta(seconds=ago),
        reason=reason if state is JobState.FAILED else None,
    ),
    st.sampled_from(JobState),
    st.none() | st.sampled_from(Reason),
    st.integers(1, 10),
    st.integers(16, 65536),
    st.integers(-10_000, 10_000),
)


@given(st.lists(VIEWS, max_size=4), st.sampled_from(NoSummary) | st.just(FACTS))
def test_every_state_has_one_answer_that_a_second_look_confirms(jobs: list[JobView], database: DatabaseState) -> None:
    step = decide(*jobs, database=database)
    again = decide(*jobs, database=database, of=session(**msgspec.to_builtins(step.status)))
    assert step.status.condition(ConditionType.SUCCEEDED) is not None
    assert again.status == step.status
    assert not (step.attempt and any(job.attempt >= SETTINGS.most_attempts for job in jobs))


def test_status_survives_the_way_through_kubernetes() -> None:
    status = decide(view(JobState.SUCCEEDED, exit_code=0), database=FACTS).status
    assert msgspec.convert(msgspec.to_builtins(status), SessionStatus) == status
