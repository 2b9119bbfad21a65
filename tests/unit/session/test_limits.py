import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_session.limits import Limits, limits

# Bland and Altman, Lancet 1986, table 1: peak flow of 17 people by two meters, in litres a minute.
LARGE_METER = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI_METER = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
GROUPS = st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), min_size=1, max_size=6)


def test_one_difference_a_subject_gives_the_limits_that_bland_and_altman_published() -> None:
    found = limits([[large - mini] for large, mini in zip(LARGE_METER, MINI_METER, strict=True)])
    assert found.sd is not None
    assert found.lower is not None
    assert found.upper is not None
    # They take 2 standard deviations for 1.96 in print: -79.7 and 75.5.
    assert (found.n, round(found.bias, 1), round(found.sd, 1)) == (17, -2.1, 38.8)
    assert (round(found.lower, 1), round(found.upper, 1)) == (-78.1, 73.9)


def test_one_difference_has_a_bias_and_no_limits() -> None:
    assert limits([[2.0]]) == Limits(n=1, bias=2.0, sd=None, lower=None, upper=None, standard_error=None)


def test_the_variance_is_that_between_subjects_and_that_within() -> None:
    # Mean squares 16 between and 2 within: (16 - 2) / 2 = 7 between, 2 within.
    assert limits([[1.0, 3.0], [5.0, 7.0]]).sd == pytest.approx(3)


def test_groups_of_unlike_size_weigh_as_the_analysis_of_variance_says() -> None:
    # Mean squares 24 between and 2 within, groups' size (3 - 5 / 3) / 1: (24 - 2) / (4 / 3) = 16.5 between.
    assert limits([[1.0, 3.0], [8.0]]).sd == pytest.approx(18.5**0.5)


@given(GROUPS, st.floats(-1e3, 1e3))
def test_a_shift_of_all_shifts_bias_and_limits_alone(groups: list[list[float]], shift: float) -> None:
    found, moved = limits(groups), limits([[one + shift for one in group] for group in groups])
    assert moved.bias == pytest.approx(found.bias + shift, abs=1e-6)
    assert moved.sd == pytest.approx(found.sd, abs=1e-4)


@given(GROUPS)
def test_order_does_not_count(groups: list[list[float]]) -> None:
    turned = limits([group[::-1] for group in groups[::-1]])
    assert (turned.bias, turned.sd) == pytest.approx((limits(groups).bias, limits(groups).sd), abs=1e-6)


def drawn(chance: random.Random, subjects: int, recordings: int) -> list[list[float]]:
    """Subjects whose own means vary by 1, and their recordings by 0.5 around them."""
    return [
        [mean + chance.gauss(0, 0.5) for _ in range(recordings)]
        for mean in (chance.gauss(0, 1) for _ in range(subjects))
    ]


def test_many_recordings_of_few_subjects_make_no_limit_certain() -> None:
    chance = random.Random(7)
    found = [limits(drawn(chance, subjects=8, recordings=20)) for _ in range(400)]
    scatter = statistics.stdev(one.upper or 0.0 for one in found)
    told = statistics.fmean(one.standard_error or 0.0 for one in found)
    sd = (1 + 0.5**2) ** 0.5
    of_160_subjects = (3 / 160) ** 0.5 * sd
    assert statistics.fmean(one.upper or 0.0 for one in found) == pytest.approx(1.96 * sd, rel=0.1)
    assert 0.8 < told / scatter < 1.4
    assert told > 3 * of_160_subjects


@pytest.mark.parametrize("subjects", [1, 2])
def test_without_three_subjects_nobody_can_say_how_uncertain_limits_are(subjects: int) -> None:
    assert limits(drawn(random.Random(1), subjects, 5)).standard_error is None
