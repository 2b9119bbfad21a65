import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_session.agreement import Change, Criterion, Factor, Pair, agreement, compare, match_contractions, measure


def contraction(start: int, end: int, **flags: bool | None) -> dict[str, Any]:
    judged: dict[str, Any] = {"meets_mvc": True, "meets_duration": True, "is_good": True}
    times = {"start_sample": start, "end_sample": end, "start_ms": float(start), "end_ms": float(end)}
    return times | judged | flags


def summary(*contractions: dict[str, Any], rms_volts: float = 1.0, skipped: str | None = None) -> dict[str, Any]:
    muscle = {
        "name": "CH1",
        "skipped": skipped,
        "amplitude": {"rms_volts": rms_volts},
        "spectrum": None,
        "contraction_summary": {"count": len(contractions), "good": None},
        "contractions": list(contractions),
    }
    return {"muscles": [muscle], "scores": {"overall": 50.0, "effort": None}}


def pair(first: dict[str, Any], second: dict[str, Any], **whose: str | None) -> Pair:
    return Pair(**{"session_code": "emg-a", "subject": "P001", "centre": "", "first": first, "second": second} | whose)


def test_amplitudes_are_compared_as_factors_too() -> None:
    found = agreement("rms_volts", [[(1.0, 2.0)], [(10.0, 20.0)], [(3.0, 6.0)]])
    assert found.factor == Factor(bias=pytest.approx(2), lower=pytest.approx(2), upper=pytest.approx(2))
    assert found.bias == pytest.approx(14 / 3)


def test_what_is_not_above_0_is_no_factor() -> None:
    assert agreement("rms_volts", [[(0.0, 1.0), (1.0, 1.0)]]).factor is None
    assert agreement("contractions", [[(1.0, 1.0), (2.0, 1.0)]]).factor is None


def test_what_one_of_the_two_does_not_have_is_no_difference() -> None:
    comparison = compare([measure(pair(summary(), summary(rms_volts=3.0)))])
    assert {metric.metric: metric.bias for metric in comparison.metrics} == {
        "rms_volts": 2.0,
        "contractions": 0.0,
        "scores.overall": 0.0,
    }


def test_a_muscle_that_one_profile_skipped_is_not_compared() -> None:
    comparison = compare([measure(pair(summary(contraction(0, 9)), summary(skipped="NoSignal")))])
    assert [metric.metric for metric in comparison.metrics] == ["scores.overall"]
    assert comparison.changes == ()


def test_recordings_and_subjects_are_counted_apart() -> None:
    comparison = compare([measure(pair(summary(), summary()))] * 3)
    assert (comparison.recordings, comparison.subjects) == (3, 1)


def test_one_code_in_two_centres_is_two_subjects() -> None:
    pairs = [pair(summary(), summary(), centre=centre) for centre in ("north", "south")]
    assert compare(map(measure, pairs)).subjects == 2


def test_recordings_of_nobody_known_are_no_subject_together() -> None:
    values = [1.0, 3.0, 5.0, 9.0]
    pairs = [
        pair(summary(), summary(rms_volts=value), subject=None, session_code=f"emg-{value:.0f}") for value in values
    ]
    comparison = compare(map(measure, pairs))
    (rms,) = [found for found in comparison.metrics if found.metric == "rms_volts"]
    assert comparison.subjects == 0
    assert rms.sd == pytest.approx(statistics.stdev(values))


def test_a_contraction_changes_sides_where_one_profile_judges_otherwise() -> None:
    first, second = contraction(0, 100), contraction(10, 90, meets_duration=False, is_good=False)
    comparison = compare([measure(pair(summary(first), summary(second)))])
    told = {"session_code": "emg-a", "muscle": "CH1", "start_ms": 0.0, "end_ms": 100.0, "first": True, "second": False}
    assert comparison.changes == (
        Change(criterion=Criterion.MEETS_DURATION, **told),
        Change(criterion=Criterion.IS_GOOD, **told),
    )


def test_what_was_not_judged_is_on_no_side() -> None:
    first, second = contraction(0, 100), contraction(0, 100, meets_mvc=None)
    assert compare([measure(pair(summary(first), summary(second)))]).changes == ()


def test_what_only_one_profile_finds_changed_sides_of_detection() -> None:
    first, second = summary(contraction(0, 50)), summary(contraction(0, 50), contraction(60, 70))
    comparison = compare([measure(pair(first, second))])
    assert comparison.contractions == {"matched": 1, "only_first": 0, "only_second": 1}
    assert [(c.criterion, c.first, c.second, c.start_ms) for c in comparison.changes] == [
        (Criterion.DETECTED, False, True, 60.0)
    ]


def test_one_that_was_split_is_matched_with_its_longer_part() -> None:
    whole, short, long = contraction(0, 100), contraction(0, 30), contraction(40, 100)
    assert match_contractions([whole], [short, long]) == [(whole, long), (None, short)]


@pytest.mark.parametrize("gap", [0, 5])
def test_contractions_that_only_touch_are_two(gap: int) -> None:
    first, second = contraction(0, 50), contraction(50 + gap, 90)
    assert match_contractions([first], [second]) == [(first, None), (None, second)]


INTERVALS = st.lists(st.integers(0, 200), max_size=20, unique=True).map(
    lambda edges: [contraction(a, b) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)]
)


@given(INTERVALS, INTERVALS)
def test_every_contraction_is_told_once_whatever_the_two_found(first: list, second: list) -> None:
    matches = match_contractions(first, second)
    ours, theirs = ([match[side] for match in matches if match[side]] for side in (0, 1))
    assert sorted(found["start_sample"] for found in ours) == [found["start_sample"] for found in first]
    assert sorted(found["start_sample"] for found in theirs) == [found["start_sample"] for found in second]


@given(INTERVALS)
def test_a_profile_agrees_with_itself(found: list) -> None:
    comparison = compare([measure(pair(summary(*found), summary(*found)))])
    assert comparison.changes == ()
    assert comparison.contractions["matched"] == len(found)
