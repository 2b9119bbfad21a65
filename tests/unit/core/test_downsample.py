"""Fewer points for a screen: against the published algorithm, written down once more in numpy."""

import itertools

import emg_core
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def noise(samples: int, seed: int) -> Array:
    return np.cumsum(np.random.default_rng(seed).normal(size=samples))


def lttb(places: NDArray[np.intp], values: Array, width: int) -> list[int]:
    """Choose by largest triangles (Steinarsson 2013); bucket b of w holds the points from ⌊b·n/w⌋ to ⌊(b+1)·n/w⌋."""
    edges = 1 + np.arange(width - 1) * (len(places) - 2) // (width - 2)
    buckets = [range(a, b) for a, b in itertools.pairwise(edges)] + [range(len(places) - 1, len(places))]
    chosen = [0]
    for bucket, following in itertools.pairwise(buckets):
        ax, ay = places[chosen[-1]], values[chosen[-1]]
        cx, cy = places[list(following)].mean(), values[list(following)].mean()
        areas = [abs((ax - cx) * (values[b] - ay) - (ax - places[b]) * (cy - ay)) for b in bucket]
        chosen.append(bucket[int(np.argmax(areas))])
    return [int(place) for place in places[[*chosen, len(places) - 1]]]


def min_max_preselected(samples: Array, parts: int) -> NDArray[np.intp]:
    edges = np.arange(parts + 1) * len(samples) // parts
    spans = [samples[a:b] for a, b in itertools.pairwise(edges)]
    ends = [(a + span.argmin(), a + span.argmax()) for a, span in zip(edges[:-1], spans, strict=True)]
    return np.unique(np.concatenate([[0, len(samples) - 1], np.ravel(ends)]).astype(np.intp))


@given(st.integers(400, 5000), st.integers(3, 80), SEEDS)
def test_lines_are_those_of_min_max_lttb(samples: int, width: int, seed: int) -> None:
    signal = noise(samples, seed)
    candidates = min_max_preselected(signal, 2 * width)
    assert emg_core.min_max_lttb(signal, width).tolist() == lttb(candidates, signal[candidates], width)


@given(st.integers(1, 3000), st.integers(1, 300), SEEDS)
def test_gaps_break_the_line_and_hide_no_extreme(samples: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    signal = random.normal(size=samples)
    for start in random.integers(0, samples, 5):
        signal[start : start + random.integers(0, 300)] = random.choice([np.nan, np.inf])
    kept = emg_core.min_max_lttb(signal, width)
    drawn = np.isfinite(signal[kept])
    for before, after in zip(kept[:-1][drawn[:-1] & drawn[1:]], kept[1:][drawn[:-1] & drawn[1:]], strict=True):
        assert np.isfinite(signal[before:after]).all()
    low, high = emg_core.min_max(signal, width)
    finite = signal[np.isfinite(signal)]
    if len(finite):
        assert (np.nanmin(low), np.nanmax(high)) == (finite.min(), finite.max())


def test_a_pixel_without_a_number_is_not_drawn() -> None:
    signal = np.array([1.0, 2.0, np.nan, np.inf, -3.0, np.nan])
    low, high = emg_core.min_max(signal, 3)
    np.testing.assert_array_equal(low, [1, np.nan, -3])
    np.testing.assert_array_equal(high, [2, np.nan, -3])


def test_few_samples_are_all_kept() -> None:
    assert emg_core.min_max_lttb([3.0, 1.0, 2.0], 10).tolist() == [0, 1, 2]
    assert emg_core.min_max_lttb([], 10).tolist() == []
    assert emg_core.min_max_lttb(np.arange(9.0), 1).size == 1
    assert emg_core.min_max_lttb(np.arange(9.0), 0).size == 0
