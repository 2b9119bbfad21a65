from dataclasses import replace
from datetime import timedelta

import msgspec

from emg_operator.surroundings import Rival
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


def newer(one: EMGSession) -> Rival:
    return Rival(session=one.name, is_newer=True)


def maybe_newer(one: EMGSession) -> Rival:
    return Rival(session=one.name, is_newer=False)


def test_the_newest_version_supersedes_all_others_in_whatever_order_they_came() -> None:
    old, middle, new = about("1", 1, created_s=9), about("2", 2, created_s=5), about("3", 3)
    versions = seen(new, old, middle)
    assert [versions.rival_of(each) for each in (old, middle, new)] == [newer(new), newer(new), None]


def test_without_an_order_the_time_of_creation_tells() -> None:
    old, new = about("1"), about("2", created_s=1)
    versions = seen(old, new)
    assert [versions.rival_of(each) for each in (old, new)] == [newer(new), None]


def test_of_two_of_the_same_second_each_may_be_the_newer() -> None:
    one, other = about("1"), about("2")
    assert [seen(one, other).rival_of(each) for each in (one, other)] == [maybe_newer(other), maybe_newer(one)]


def test_another_session_of_the_same_version_is_no_newer_one() -> None:
    first = about("1", 1)
    second = replace(about("1", 1, created_s=60), name="emg-another-profile")
    assert [seen(first, second).rival_of(each) for each in (first, second)] == [None, None]


def test_orders_that_run_in_a_circle_leave_somebody_alive() -> None:
    circle = [about("1", 5), about("2", created_s=1), about("3", 3, created_s=2)]
    rivals = [seen(*circle).rival_of(each) for each in circle]
    assert [rival is not None and rival.is_newer for rival in rivals] == [False, False, False]


def superseded(one: EMGSession) -> EMGSession:
    top = ConditionType.SUCCEEDED
    ended = set_condition(SessionStatus(), top, Truth.FALSE, Reason.SUPERSEDED, "", generation=1, now=NOW)
    return replace(one, status=ended)


def test_a_superseded_session_supersedes_nobody() -> None:
    old = about("1", 1)
    assert seen(old, superseded(about("2", 2))).rival_of(old) is None


def test_that_one_is_superseded_is_news_to_those_that_were_before() -> None:
    """Storage may have their version again: the same bytes, uploaded once more."""
    old, middle, new = superseded(about("1", 1)), about("2", 2), about("3", 3)
    assert seen(old, middle, new).observe(superseded(new)) == [old.key]


def test_only_what_is_new_is_news_to_the_others() -> None:
    old, new = about("1", 1), about("2", 2)
    versions = seen(old)
    assert (versions.observe(new), versions.observe(new), versions.observe(old)) == ([old.key], [], [])


def test_a_session_that_is_gone_supersedes_nobody() -> None:
    old, new = about("1", 1), about("2", 2)
    versions = seen(old, new)
    versions.forget(new.key)
    assert versions.rival_of(old) is None
