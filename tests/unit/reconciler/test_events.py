"""What people are told, and how often."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import yaml
from msgspec.structs import replace

from emg_operator.events import Occurrence, Weight, build_event, job_created, occurrences
from emg_session.resource import EMGSession
from emg_session.status import Attempt, ConditionType, Reason, SessionStatus, Truth, set_condition
from tests.support.sessions import NOW, session

GOLDEN = Path(__file__).parents[2] / "golden" / "event.yaml"
QUEUED = SessionStatus(job_name="emg-a-a1", attempts=(Attempt(job="emg-a-a1", memory_mib=136),))


def with_top(status: SessionStatus, reason: Reason, sentence: str = "") -> SessionStatus:
    kind = ConditionType.SUCCEEDED
    return set_condition(status, kind, Truth.UNKNOWN, reason, sentence, generation=1, now=NOW)


def test_a_new_job_is_told_with_its_memory() -> None:
    told = Occurrence(weight=Weight.NORMAL, reason="JobCreated", note="emg-a-a1 has 136 MiB")
    assert job_created("emg-a-a1", 136) == told


def at(status: SessionStatus) -> EMGSession:
    return dataclasses.replace(session(), status=status)


def test_everyday_steps_are_not_told() -> None:
    before, after = with_top(QUEUED, Reason.QUEUED), with_top(QUEUED, Reason.RUNNING)
    assert occurrences(before, after) == []


def test_a_failure_is_a_warning_with_the_conditions_sentence() -> None:
    before = with_top(QUEUED, Reason.RUNNING)
    after = with_top(QUEUED, Reason.BAD_RECORDING, "the header ends at 12 of 512 bytes")
    told = Occurrence(weight=Weight.WARNING, reason="BadRecording", note="the header ends at 12 of 512 bytes")
    assert occurrences(before, after) == [told]


def test_another_sentence_for_the_same_reason_is_not_told() -> None:
    before, after = (with_top(QUEUED, Reason.RETRYING, sentence) for sentence in ("once", "again"))
    assert occurrences(before, after) == []


def test_the_manifest_is_the_golden_one() -> None:
    completed = Occurrence(weight=Weight.NORMAL, reason="Completed", note="26 contractions in 2 channels")
    event = build_event(at(QUEUED), completed, reporter="emg-operator-0", now=NOW)
    assert event == yaml.safe_load(GOLDEN.read_text())


def test_the_same_said_twice_of_one_attempt_is_one_event_and_of_the_next_another() -> None:
    told = Occurrence(weight=Weight.WARNING, reason="Retrying", note="killed")

    def name(status: SessionStatus, seconds: int) -> str:
        event = build_event(at(status), told, reporter="r", now=NOW + timedelta(seconds=seconds))
        return str(event["metadata"]["name"])

    assert name(QUEUED, 0) == name(QUEUED, 60) != name(replace(QUEUED, job_name="emg-a-a2"), 0)
