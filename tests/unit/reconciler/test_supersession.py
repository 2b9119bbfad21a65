from dataclasses import replace

import pytest

from emg_operator.job_view import JobState, JobView
from emg_operator.manifests import AttemptPlan
from emg_operator.surroundings import NotReadable, Question, Readable
from emg_session.resource import EMGSession
from emg_session.status import ConditionType, Reason, Truth
from tests.support.deciding import THERE, TIED, after, decide, failed, top, view


def test_of_two_versions_that_nobody_can_tell_apart_storages_is_the_newer() -> None:
    running, tied = view(JobState.RUNNING), replace(THERE, rival=TIED)
    assert decide(running, given=replace(tied, object=NotReadable.NOT_ASKED)).ask is Question.OBJECT
    assert top(decide(running, given=tied)) == (Truth.UNKNOWN, Reason.RUNNING)
    stopping = decide(running, given=replace(tied, object=NotReadable.OTHER_VERSION))
    assert ([job.attempt for job in stopping.stop], top(stopping)) == ([1], (Truth.UNKNOWN, Reason.SUPERSEDED))
    for nothing in (NotReadable.UNREACHABLE, NotReadable.NOT_THERE, Readable()):
        assert decide(running, given=replace(tied, object=nothing)).stop == ()


def superseded(*jobs: JobView) -> EMGSession:
    """Return a session that has ended, as storage held another version."""
    return after(decide(*jobs, given=replace(THERE, object=NotReadable.OTHER_VERSION)))


def test_a_superseded_session_goes_on_once_storage_has_its_version_again() -> None:
    ended = superseded()
    assert decide(of=ended, given=replace(THERE, object=NotReadable.NOT_ASKED)).ask is Question.OBJECT
    assert decide(of=ended, given=replace(THERE, has_all_children=False)).ask is Question.CHILDREN
    step = decide(of=ended)
    assert (step.attempt, top(step)) == (AttemptPlan(number=1, memory_mib=136), (Truth.UNKNOWN, Reason.QUEUED))
    assert (step.status.finished_at, step.status.condition(ConditionType.SUPERSEDED).status) == (None, Truth.FALSE)


@pytest.mark.parametrize("answer", [NotReadable.OTHER_VERSION, NotReadable.NOT_THERE, NotReadable.UNREACHABLE])
def test_a_superseded_session_is_looked_at_again_at_longer_and_longer_intervals(answer: NotReadable) -> None:
    ended, given = superseded(), replace(THERE, object=answer)
    steps = [decide(of=ended, given=given, later_s=later_s) for later_s in (-100_000, 0, 600, 100_000)]
    assert [step.again_after_s for step in steps] == [60.0, 60.0, 600.0, 3600.0]
    assert {step.status for step in steps} == {ended.status}


def test_a_worker_that_found_another_version_is_believed_unless_storage_has_its_own_again() -> None:
    found_another = failed(Reason.SUPERSEDED, exit_code=15)
    assert decide(found_another, given=replace(THERE, object=NotReadable.NOT_ASKED)).ask is Question.OBJECT
    for answer in (NotReadable.OTHER_VERSION, NotReadable.NOT_THERE, Readable()):
        assert top(decide(found_another, given=replace(THERE, object=answer))) == (Truth.FALSE, Reason.SUPERSEDED)
    assert decide(found_another, later_s=31).attempt == AttemptPlan(number=2, memory_mib=136)


def test_versions_that_take_turns_use_up_the_attempts_of_a_session_and_no_more() -> None:
    found_another = failed(Reason.SUPERSEDED, exit_code=15)
    ended = decide(found_another, most_attempts=1, later_s=31)
    assert top(ended) == (Truth.FALSE, Reason.SUPERSEDED)
    assert decide(of=after(ended), most_attempts=1, later_s=60).status == ended.status
