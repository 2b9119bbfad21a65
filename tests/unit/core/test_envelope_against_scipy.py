"""Envelope, moving RMS and min/max against SciPy and numpy."""

import emg_core
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def noise(samples: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=samples)


def scipy_envelope(samples: Array, rate: float) -> Array:
    high = signal.butter(4, 20, "highpass", fs=rate, output="sos")
    low = signal.butter(4, 10, "lowpass", fs=rate, output="sos")
    smoothed = signal.sosfiltfilt(low, np.abs(signal.sosfiltfilt(high, samples)))
    window = int(0.05 * rate)
    return np.convolve(smoothed, np.ones(window) / window, "same")


@given(st.integers(110, 40_000), st.sampled_from([200.0, 990.0, 1000.0, 2148.0]), SEEDS)
def test_envelopes_agree_with_scipy(samples: int, rate: float, seed: int) -> None:
    raw = noise(samples, seed)
    # Both sides round: below 1e-11 for a signal whose maximum is about 4.
    assert np.allclose(emg_core.envelope(raw, rate), scipy_envelope(raw, rate), rtol=0, atol=1e-11)


@given(st.integers(60, 20_000), st.integers(1, 60), SEEDS)
def test_moving_rms_agrees_with_numpy(samples: int, window_ms: int, seed: int) -> None:
    raw = noise(samples, seed)
    expected = np.sqrt(np.convolve(raw * raw, np.ones(window_ms) / window_ms, "same"))
    # At half a hertz more than 1000 flooring gives just as many samples as milliseconds.
    assert np.allclose(emg_core.moving_rms(raw, 1000.5, window_ms), expected, rtol=1e-12, atol=0)


@given(st.integers(1, 3000), st.integers(1, 700), SEEDS)
def test_min_max_keeps_the_extremes_of_every_bucket(samples: int, width: int, seed: int) -> None:
    raw = noise(samples, seed)
    buckets = min(width, samples)
    edges = np.arange(buckets) * samples // buckets
    low, high = emg_core.min_max(raw, width)
    assert np.array_equal(low, np.minimum.reduceat(raw, edges))
    assert np.array_equal(high, np.maximum.reduceat(raw, edges))


def test_strided_samples_and_other_types_are_taken() -> None:
    raw = noise(2000, 1)
    assert np.array_equal(emg_core.envelope(raw[::2], 990.0), emg_core.envelope(raw[::2].copy(), 990.0))
    assert emg_core.moving_rms(raw.astype(np.float32), 990.0).shape == (2000,)


@pytest.mark.parametrize("rate", [float("nan"), 0.0, -1.0, 30.0])
def test_a_rate_too_low_for_the_high_pass_is_an_error(rate: float) -> None:
    with pytest.raises(emg_core.AnalysisError, match="sample_rate_hz"):
        emg_core.envelope(noise(100, 1), rate)


@pytest.mark.parametrize("rate", [1e12, 1e300, float("inf")])
def test_an_absurd_rate_does_not_exhaust_memory(rate: float) -> None:
    assert len(emg_core.moving_rms(noise(100, 1), rate)) == 100
    assert len(emg_core.envelope(noise(100, 1), rate)) == 100


def test_no_samples_are_no_trouble() -> None:
    empty = np.empty(0)
    assert emg_core.moving_rms(empty, 990.0).size == emg_core.min_max(empty, 10)[0].size == 0
    with pytest.raises(emg_core.AnalysisError):
        emg_core.envelope(empty, 990.0)
