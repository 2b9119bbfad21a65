from dataclasses import replace
from datetime import timedelta

import msgspec

from emg_operator.versions import Versions
from emg_session.object_order import UNKNOWN_ORDER, ObjectOrder
from emg_session.resource import EMGSession
from emg_session.status import ConditionType, Reason, SessionStatus, Truth, set_condition
from tests.support.sessions import NOW, SPEC, session


def about(version: str, order: int | None = None, created_s: int = 0) -> EMGSession:
    recording = msgspec.structs.replace(SPEC.recording, version=version)
    known = UNKNOWN_ORDER if order is None else ObjectOrder.of(sequence=("s3", f"{order:x}"))
    return replace(
        session(msgspec.structs.replace(SPEC, recording=recording)),
        order=known,
        created_at=NOW + timedelta(seconds=created_s),
    )


def seen(*sessions: EMGSession) -> Versions:
    versions = Versions()
    for each in sessions:
        versions.observe(each)
    return versions


def test_the_newest_version_supersedes_all_others_in_whatever_order_they_came() -> None:
    old, middle, new = about("1", 1, created_s=9), about("2", 2, created_s=5), about("3", 3)
    versions = seen(new, old, middle)
    assert [versions.newer_than(each) for each in (old, middle, new)] == [new.name, new.name, None]


def test_without_an_order_the_time_of_creation_tells() -> None:
    old, new = about("1"), about("2", created_s=1)
    versions = seen(old, new)
    assert [versions.newer_than(each) for each in (old, new)] == [new.name, None]


def test_two_of_the_same_second_supersede_nobody() -> None:
    one, other = about("1"), about("2")
    assert [seen(one, other).newer_than(each) for each in (one, other)] == [None, None]


def test_another_session_of_the_same_version_is_no_newer_one() -> None:
    first = about("1", 1)
    second = replace(about("1", 1, created_s=60), name="emg-another-profile")
    assert [seen(first, second).newer_than(each) for each in (first, second)] == [None, None]


def test_orders_that_run_in_a_circle_leave_somebody_alive() -> None:
    circle = [about("1", 5), about("2", created_s=1), about("3", 3, created_s=2)]
    assert [seen(*circle).newer_than(each) for each in circle] == [None, None, None]


def test_a_superseded_session_supersedes_nobody() -> None:
    top = ConditionType.SUCCEEDED
    ended = set_condition(SessionStatus(), top, Truth.FALSE, Reason.SUPERSEDED, "", generation=1, now=NOW)
    old = about("1", 1)
    assert seen(old, replace(about("2", 2), status=ended)).newer_than(old) is None


def test_only_what_is_new_is_news_to_the_others() -> None:
    old, new = about("1", 1), about("2", 2)
    versions = seen(old)
    assert (versions.observe(new), versions.observe(new), versions.observe(old)) == ([old.key], [], [])


def test_a_session_that_is_gone_supersedes_nobody() -> None:
    old, new = about("1", 1), about("2", 2)
    versions = seen(old, new)
    versions.forget(new.key)
    assert versions.newer_than(old) is None
