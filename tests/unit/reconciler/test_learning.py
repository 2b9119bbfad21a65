from dataclasses import replace
from typing import Any

import msgspec

from emg_operator.learning import Learned
from emg_operator.memory import first_mib, next_mib, predicted_mib
from emg_session.resource import EMGSession
from emg_session.status import Attempt, ConditionType, Reason, SessionStatus, Truth, set_condition
from tests.support.sessions import NOW, SETTINGS, SPEC, session

PREDICTED_MIB = 136  # of 2.7 MiB of recording


def finished(number: int, *attempts: Attempt, **spec: Any) -> EMGSession:
    status = SessionStatus(attempts=attempts)
    top = ConditionType.SUCCEEDED
    status = set_condition(status, top, Truth.TRUE, Reason.COMPLETED, "", generation=1, now=NOW)
    return replace(session(msgspec.structs.replace(SPEC, **spec)), name=f"emg-{number}", status=status)


def used(mib: int) -> Attempt:
    return Attempt(job="emg-a-a1", memory_mib=PREDICTED_MIB, used_mib=mib, reason=Reason.COMPLETED)


def taught(*sessions: EMGSession) -> Learned:
    learned = Learned(SETTINGS)
    for each in sessions:
        learned.observe(each)
    return learned


def test_nothing_is_learned_from_a_few() -> None:
    assert taught(*(finished(number, used(68)) for number in range(19))).permille("ghostly-2") is None


def test_one_in_a_hundred_may_need_more() -> None:
    many = [finished(number, used(68)) for number in range(99)]
    assert taught(*many, finished(99, used(1360))).permille("ghostly-2") == 500
    assert taught(*many, finished(99, used(1360)), finished(100, used(1360))).permille("ghostly-2") == 10_000


def test_each_profile_learns_for_itself() -> None:
    learned = taught(*(finished(number, used(68)) for number in range(20)))
    assert (learned.permille("ghostly-2"), learned.permille("standard-1")) == (500, None)


def test_who_ran_out_of_memory_would_have_used_more_than_it_had() -> None:
    killed = Attempt(job="emg-a-a1", memory_mib=PREDICTED_MIB, reason=Reason.OUT_OF_MEMORY)
    assert taught(*(finished(number, killed) for number in range(20))).permille("ghostly-2") == 2000


def test_seeing_a_session_again_or_losing_it_changes_nothing_else() -> None:
    learned = taught(*(finished(number, used(68)) for number in range(21)), finished(20, used(68)))
    learned.forget("emg/emg-20")
    assert learned.permille("ghostly-2") == 500
    learned.forget("emg/emg-19")
    assert learned.permille("ghostly-2") is None


def test_without_a_size_there_is_nothing_to_compare_with() -> None:
    unknown = msgspec.structs.replace(SPEC.recording, size_bytes=None)
    learned = taught(*(finished(number, used(680), recording=unknown) for number in range(30)))
    assert learned.permille("ghostly-2") is None


def test_what_was_learned_moves_the_first_attempt_within_bounds() -> None:
    size_bytes = 2_867_920
    assert first_mib(size_bytes, None, SETTINGS) == predicted_mib(size_bytes, SETTINGS) == PREDICTED_MIB
    assert first_mib(size_bytes, 1000, SETTINGS) == 170
    assert first_mib(size_bytes, 1, SETTINGS) == 85
    assert first_mib(size_bytes, 10**9, SETTINGS) == 1360
    assert first_mib(2**40, None, SETTINGS) == SETTINGS.most_memory_mib


def test_the_ladder_doubles_up_to_its_cap() -> None:
    assert [next_mib(mib, SETTINGS) for mib in (136, 3000, 4096, 8192)] == [272, 4096, 4096, 8192]
