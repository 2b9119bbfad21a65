from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_operator.job_view import JobState, JobView
from emg_operator.manifests import AttemptPlan
from emg_operator.pod_view import Trouble
from emg_operator.surroundings import DatabaseState, NoSummary, NotReadable, Question, Readable, Surroundings
from emg_session.contract import request_of
from emg_session.resource import JobOptions
from emg_session.status import ConditionType, Reason, SessionStatus, Truth
from tests.support.deciding import NEWER, THERE, TIED, after, decide, failed, top, view
from tests.support.sessions import FACTS, NOW, SETTINGS, SPEC, session


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
    done = view(JobState.SUCCEEDED)
    assert top(decide(done, database=FACTS)) == (Truth.TRUE, Reason.COMPLETED)
    assert top(decide(done, database=NoSummary.UNREACHABLE)) == (Truth.UNKNOWN, Reason.DATABASE_UNAVAILABLE)
    assert top(decide(done, database=NoSummary.MISSING)) == (Truth.UNKNOWN, Reason.RETRYING)
    assert top(decide(replace(done, over=False))) == (Truth.UNKNOWN, Reason.RUNNING)


def test_success_copies_the_facts_into_the_status() -> None:
    status = decide(view(JobState.SUCCEEDED), database=FACTS).status
    assert (status.recording, status.result) == (FACTS.recording, FACTS.result)
    assert (status.channel_count, status.duration, status.attempt_count) == (2, "75.0s", 1)
    assert status.finished_at == NOW


def test_a_bad_recording_is_not_tried_again() -> None:
    step = decide(failed(Reason.BAD_RECORDING, exit_code=11, message="GroupPastEnd at byte 1042"))
    assert (step.attempt, step.again_after_s) == (None, None)
    assert top(step) == (Truth.FALSE, Reason.BAD_RECORDING)


def test_a_session_whose_recording_was_erased_goes_and_is_never_called_bad() -> None:
    step = decide(failed(Reason.BAD_RECORDING, exit_code=16, message="the recording was erased"))
    assert (step.remove, step.attempt, step.status) == (True, None, session().status)


def test_an_unknown_profile_is_the_specs_fault_not_the_recordings() -> None:
    status = decide(failed(Reason.BAD_RECORDING, exit_code=14), given=Surroundings()).status
    assert [str(c.status) for c in status.conditions[:2]] == ["False", "Unknown"]


def test_a_worker_killed_after_it_had_stored_has_succeeded() -> None:
    killed = failed(Reason.INTERNAL_ERROR, exit_code=137)
    assert top(decide(killed, database=FACTS)) == (Truth.TRUE, Reason.COMPLETED)


def test_a_worker_killed_after_it_had_stored_does_not_fail_while_the_database_is_away() -> None:
    killed = failed(Reason.INTERNAL_ERROR, exit_code=137)
    assert top(decide(killed, database=NoSummary.UNREACHABLE)) == (Truth.UNKNOWN, Reason.DATABASE_UNAVAILABLE)


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
    step = decide(failed(Reason.INTERNAL_ERROR), of=finished)
    assert (step.status, step.attempt, step.remove) == (done, None, False)


def test_a_condition_that_stays_keeps_its_transition_time() -> None:
    before = decide(view(JobState.WAITING)).status
    after = decide(view(JobState.RUNNING), of=session(**msgspec.to_builtins(before)), later_s=60).status
    accepted = after.condition(ConditionType.ACCEPTED)
    assert accepted is not None
    assert accepted.last_transition_time == NOW


def test_nothing_is_asked_before_it_has_to_be_known() -> None:
    step = decide(database=NoSummary.NOT_ASKED, given=Surroundings())
    assert (step.ask, step.status) == (Question.DATABASE, SessionStatus())
    assert decide(given=Surroundings()).ask is Question.OBJECT
    assert decide(given=replace(THERE, has_place=None)).ask is Question.PLACE
    assert decide(view(JobState.RUNNING), database=NoSummary.NOT_ASKED, given=Surroundings()).ask is None


def test_a_summary_that_is_there_already_needs_no_job() -> None:
    step = decide(database=FACTS)
    assert (step.attempt, top(step)) == (None, (Truth.TRUE, Reason.COMPLETED))


def test_an_outage_of_the_database_costs_no_attempt() -> None:
    step = decide(database=NoSummary.UNREACHABLE)
    assert (step.attempt, top(step)) == (None, (Truth.UNKNOWN, Reason.DATABASE_UNAVAILABLE))


def test_an_outage_of_storage_costs_no_attempt() -> None:
    step = decide(given=replace(THERE, object=NotReadable.UNREACHABLE))
    assert (step.attempt, top(step)) == (None, (Truth.UNKNOWN, Reason.STORAGE_UNAVAILABLE))


def test_what_storage_refuses_costs_no_attempt_and_says_what_to_check() -> None:
    step = decide(given=replace(THERE, object=NotReadable.FORBIDDEN))
    assert (step.attempt, top(step)) == (None, (Truth.UNKNOWN, Reason.STORAGE_UNAVAILABLE))
    message = step.status.conditions[-1].message
    assert message == "storage refuses to show the recording; check the AWS_… settings and what they may read"
    assert step.again_after_s == 60


def test_an_object_that_is_not_there_is_looked_for_less_and_less_often_then_given_up() -> None:
    missing = replace(THERE, object=NotReadable.NOT_THERE)
    first = decide(given=missing)
    pauses = [decide(given=missing, of=after(first), later_s=s).again_after_s for s in (0, 8, 64, 2000)]
    assert pauses == [1.0, 8.0, 64.0, 300.0]
    assert top(decide(given=missing, of=after(first), later_s=3600)) == (Truth.FALSE, Reason.WAITING_FOR_OBJECT)


def test_an_overwritten_object_supersedes_its_session() -> None:
    step = decide(given=replace(THERE, object=NotReadable.OTHER_VERSION))
    superseded = step.status.condition(ConditionType.SUPERSEDED)
    assert superseded is not None
    assert (superseded.status, top(step)) == (Truth.TRUE, (Truth.FALSE, Reason.SUPERSEDED))


def test_a_newer_version_stops_the_older_ones_job_then_ends_the_session() -> None:
    newer = replace(THERE, rival=NEWER, object=NotReadable.OTHER_VERSION)
    running = decide(view(JobState.RUNNING), given=newer)
    assert ([job.attempt for job in running.stop], top(running)) == ([1], (Truth.UNKNOWN, Reason.SUPERSEDED))
    assert decide(view(JobState.STOPPING), given=newer, of=after(running)).stop == ()
    assert top(decide(given=newer, of=after(running))) == (Truth.FALSE, Reason.SUPERSEDED)


def test_what_storage_still_holds_is_not_superseded_whatever_the_notices_order() -> None:
    step = decide(view(JobState.RUNNING), given=replace(THERE, rival=NEWER))
    assert (step.stop, top(step)) == ((), (Truth.UNKNOWN, Reason.RUNNING))


def test_suspending_stops_the_job_and_resuming_makes_the_same_attempt_again() -> None:
    planned = after(decide())
    step = decide(view(JobState.RUNNING), of=after(decide(of=planned), suspend=True))
    assert ([job.attempt for job in step.stop], top(step)) == ([1], (Truth.UNKNOWN, Reason.SUSPENDED))
    assert decide(of=after(step, suspend=True)).attempt is None
    assert decide(of=after(step)).attempt == AttemptPlan(number=1, memory_mib=136)


def test_an_attempt_is_planned_in_the_status_before_its_job_is_made() -> None:
    step = decide()
    assert [(a.job, a.memory_mib) for a in step.status.attempts] == [(f"{session().name}-a1", 136)]
    assert decide(of=after(step), given=Surroundings()).ask is Question.CHILDREN
    assert decide(of=after(step)).attempt == step.attempt
    assert decide(of=after(step)).status == step.status


def test_a_deleted_job_is_made_again_and_is_no_failed_attempt() -> None:
    running = after(decide(view(JobState.RUNNING)))
    step = decide(of=running)
    assert (step.attempt, step.status.attempt_count) == (AttemptPlan(number=1, memory_mib=136), 1)


def test_a_first_attempt_that_could_not_be_made_gets_the_memory_that_the_spec_says_by_now() -> None:
    refused = decide(of=session(msgspec.structs.replace(SPEC, job=JobOptions(memory_mib=65536))))
    assert refused.attempt == AttemptPlan(number=1, memory_mib=65536)
    edited = after(refused, job=JobOptions(memory_mib=512))
    assert decide(of=edited).attempt == AttemptPlan(number=1, memory_mib=512)


def test_a_failure_counts_though_its_job_is_gone() -> None:
    ladder = after(decide(failed(Reason.OUT_OF_MEMORY, exit_code=137), of=session(SPEC), given=Surroundings()))
    step = decide(of=replace(ladder, status=with_ended_attempt(ladder.status)))
    assert step.attempt == AttemptPlan(number=2, memory_mib=272)


def test_an_ended_attempt_stays_so_while_its_job_is_being_removed() -> None:
    ladder = after(decide(failed(Reason.OUT_OF_MEMORY, exit_code=137), given=Surroundings()))
    ladder = replace(ladder, status=with_ended_attempt(ladder.status))
    step = decide(view(JobState.STOPPING), of=ladder)
    assert (step.status.attempts[0].reason, step.attempt) == (Reason.OUT_OF_MEMORY, None)


def with_ended_attempt(status: SessionStatus) -> SessionStatus:
    ended = failed(Reason.OUT_OF_MEMORY, exit_code=137).as_attempt()
    return msgspec.structs.replace(status, attempts=(ended,))


def test_other_options_are_another_run_with_attempts_and_times_of_its_own() -> None:
    done = after(decide(view(JobState.SUCCEEDED), database=FACTS), options={"onThresholdPermille": 100})
    step = decide(of=done)
    assert step.attempt == AttemptPlan(number=2, memory_mib=136)
    assert (step.status.attempt_count, step.status.result, step.status.finished_at) == (1, None, None)
    assert step.status.request == request_of(done)


def test_a_job_of_the_options_before_is_stopped_first() -> None:
    other = after(decide(view(JobState.RUNNING)), options={"onThresholdPermille": 100})
    outdated = replace(view(JobState.RUNNING), request=other.status.request)
    step = decide(outdated, of=other)
    assert ([job.attempt for job in step.stop], step.attempt) == ([1], None)


def test_a_rerun_is_not_content_with_the_row_of_an_earlier_run() -> None:
    done = after(decide(view(JobState.SUCCEEDED), database=FACTS))
    again = replace(done, rerun="2026-11-25")
    step = decide(of=again, database=FACTS)
    assert step.attempt == AttemptPlan(number=2, memory_mib=136)
    finished = view(JobState.SUCCEEDED, attempt=2, request=request_of(again))
    asked = replace(again, status=step.status)
    assert top(decide(finished, of=asked, database=FACTS)) == (Truth.TRUE, Reason.COMPLETED)


def test_a_full_house_queues_the_session() -> None:
    step = decide(given=replace(THERE, has_place=False))
    assert (step.attempt, top(step), step.occupies) == (None, (Truth.UNKNOWN, Reason.QUEUED), False)


def test_a_queues_suspension_is_respected_and_takes_no_place_of_ours() -> None:
    queued = session(msgspec.structs.replace(SPEC, job=JobOptions(queue_name="clinic")))
    step = decide(of=queued, given=replace(THERE, has_place=None))
    assert (step.attempt, step.occupies) == (AttemptPlan(number=1, memory_mib=136), False)
    waiting = decide(view(JobState.SUSPENDED), of=replace(queued, status=step.status))
    assert (waiting.stop, waiting.occupies, top(waiting)) == ((), False, (Truth.UNKNOWN, Reason.QUEUED))


def test_trouble_with_starting_is_told_after_a_grace_time() -> None:
    trouble = Trouble(message="ImagePullBackOff: the image can't be pulled", since=NOW)
    job = view(JobState.WAITING, trouble=trouble)
    assert top(decide(job, later_s=59)) == (Truth.UNKNOWN, Reason.QUEUED)
    assert decide(job, later_s=59).again_after_s == 1.0
    assert top(decide(job, later_s=60)) == (Truth.UNKNOWN, Reason.PENDING)


def test_memory_follows_from_the_size_that_storage_tells() -> None:
    step = decide(given=replace(THERE, object=Readable(size_bytes=100 * 2**20)))
    assert step.attempt == AttemptPlan(number=1, memory_mib=528)


def test_memory_follows_from_what_attempts_of_the_profile_used() -> None:
    step = decide(given=replace(THERE, memory_permille=600))
    assert step.attempt == AttemptPlan(number=1, memory_mib=102)


def test_a_finished_session_goes_in_time_but_not_without_its_summary() -> None:
    done = after(decide(view(JobState.SUCCEEDED), database=FACTS), ttl_seconds_after_finished=100)
    assert decide(of=done, later_s=40).again_after_s == 60.0
    assert decide(of=done, later_s=100, database=NoSummary.NOT_ASKED).ask is Question.DATABASE
    assert decide(of=done, later_s=100, database=FACTS).remove
    assert not decide(of=done, later_s=10**9, database=NoSummary.MISSING).remove
    assert not decide(of=done, later_s=10**9, database=NoSummary.UNREACHABLE).remove


def test_a_failed_session_stays_longer_for_people_to_look_at() -> None:
    bad = after(decide(failed(Reason.BAD_RECORDING, exit_code=11)), ttl_seconds_after_finished=100)
    assert decide(of=bad, later_s=101, failed_ttl_seconds=1000).again_after_s == 899.0
    assert decide(of=bad, later_s=1000, failed_ttl_seconds=1000).remove


VIEWS = st.builds(
    lambda state, reason, attempt, memory, ago, code, request: JobView(
        name=f"{session().name}-a{attempt}",
        uid=f"job-{attempt}",
        attempt=attempt,
        memory_mib=memory,
        state=state,
        over=state in (JobState.SUCCEEDED, JobState.FAILED),
        created_at=NOW,
        finished_at=NOW - timedelta(seconds=ago),
        exit_code=code,
        reason=reason if state is JobState.FAILED else None,
        request=request,
    ),
    st.sampled_from(JobState),
    st.sampled_from(Reason),
    st.integers(1, 10),
    st.integers(16, 65536),
    st.integers(-10_000, 10_000),
    st.none() | st.integers(0, 255),
    st.sampled_from([None, request_of(session()), "another"]),
)
SURROUNDINGS = st.builds(
    Surroundings,
    rival=st.none() | st.sampled_from([NEWER, TIED]),
    memory_permille=st.none() | st.integers(0, 10**6),
    object=st.sampled_from(NotReadable) | st.builds(Readable, size_bytes=st.none() | st.integers(0, 2**40)),
    has_place=st.none() | st.booleans(),
    has_all_children=st.booleans(),
)
DATABASES = st.sampled_from(NoSummary) | st.just(FACTS)


@given(st.lists(VIEWS, max_size=4, unique_by=lambda job: job.attempt), DATABASES, SURROUNDINGS)
def test_every_state_has_one_answer_that_a_second_look_confirms(
    jobs: list[JobView], database: DatabaseState, given_state: Surroundings
) -> None:
    step = decide(*jobs, database=database, given=given_state)
    again = decide(*jobs, database=database, of=session(**msgspec.to_builtins(step.status)), given=given_state)
    assert (step.ask is None) == (step.status.top is not None)
    assert again.status == step.status
    assert not (step.attempt and any(not job.over for job in jobs))
    assert step.status.attempt_count is None or step.attempt is None or step.status.attempt_count <= 10


def test_status_survives_the_way_through_kubernetes() -> None:
    status = decide(view(JobState.SUCCEEDED), database=FACTS).status
    assert msgspec.convert(msgspec.to_builtins(status), SessionStatus) == status
