"""standard-1 against SciPy: the same steps, on samples and on whole recordings."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import emg_core
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal, stats

from emg_local.synth import SyntheticRecording, synthesize, write_recording

Array = NDArray[np.float64]
Spans = list[tuple[int, int]]
SEEDS = st.integers(0, 2**32 - 1)
RATE = 990.0
# Both sides round: a recursion's own rounding is about 1e-13 of the maximum.
WITHIN_MAXIMUM = 1e-9
# Contractions and windows are told with four significant digits, times to 0.1 ms.
FOUR_DIGITS, TENTH_MS = 5.1e-4, 0.051


def moving_mean(samples: Array, window: int) -> Array:
    present = np.convolve(np.ones(len(samples)), np.ones(window), "full")[window // 2 :][: len(samples)]
    sums: Array = np.convolve(samples, np.ones(window), "full")[window // 2 :][: len(samples)]
    return sums / present


def high_passed(samples: Array, rate: float) -> Array:
    sections = signal.butter(4, 20, "highpass", fs=rate, output="sos")
    filtered: Array = signal.sosfiltfilt(sections, samples - samples.mean())
    return filtered


def envelope(high: Array, rate: float) -> Array:
    sections = signal.butter(4, 10, "lowpass", fs=rate, output="sos")
    return moving_mean(np.maximum(signal.sosfiltfilt(sections, np.abs(high)), 0), int(0.05 * rate) | 1)


def close(found: Array, expected: Array) -> bool:
    return bool(np.allclose(found, expected, rtol=0, atol=WITHIN_MAXIMUM * np.abs(expected).max()))


@given(st.integers(16, 30_000), st.sampled_from([200.0, 990.0, 1000.0, 2148.0]), SEEDS)
def test_every_signal_agrees_with_scipy(samples: int, rate: float, seed: int) -> None:
    raw = 3 + np.random.default_rng(seed).normal(size=samples)
    found, high = emg_core.condition(raw, rate), high_passed(raw, rate)
    assert close(found["high_passed"], high)
    assert close(found["envelope"], envelope(high, rate))
    assert close(found["rms"], np.sqrt(moving_mean(high * high, int(0.05 * rate) | 1)))


@given(SEEDS, st.lists(st.integers(0, 40), min_size=1, max_size=6), st.lists(st.integers(16, 3000), min_size=6))
def test_each_segment_is_conditioned_by_itself(seed: int, gaps: list[int], lengths: list[int]) -> None:
    segments, at = [], 0
    for gap, length in zip(gaps, lengths, strict=False):
        segments.append((at + gap, at + gap + length))
        at += gap + length
    raw = np.random.default_rng(seed).normal(size=at + 7)
    found = emg_core.condition(raw, RATE, segments)
    for name in ("high_passed", "envelope", "rms"):
        expected = np.zeros(len(raw))
        for start, end in segments:
            expected[start:end] = emg_core.condition(raw[start:end], RATE)[name]
        assert np.array_equal(found[name], expected)


@pytest.mark.parametrize("segments", [[(0, 15)], [(10, 90), (80, 120)], [(0, 201)], [(50, 20)]])
def test_segments_that_cannot_be_are_refused(segments: Spans) -> None:
    with pytest.raises(emg_core.AnalysisError, match="segments is"):
        emg_core.condition(np.ones(200), RATE, segments)


@dataclass(frozen=True)
class Case:
    """One muscle's part of a summary, and its samples as the recording holds them: float32."""

    muscle: dict[str, Any]
    raw: Array
    activated: Array

    @property
    def high(self) -> Array:
        return high_passed(self.raw, RATE)


@pytest.fixture(scope="module", params=["with activated", "without"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    made = synthesize(seed=5, seconds=75, contractions=12)
    if request.param == "without":
        made = SyntheticRecording({k: v for k, v in made.channels.items() if "Raw" in k}, made.truth)
    recording = written(made, tmp_path_factory.mktemp("synth") / "made.c3d")
    muscles = recording.analyze(profile="standard-1")["muscles"]
    raw = [recording[f"{muscle['name']} Raw"].samples for muscle in muscles]
    timing = [recording[muscle["timing_channel"]].samples for muscle in muscles]
    return [Case(*case) for case in zip(muscles, raw, timing, strict=True)]


def written(made: SyntheticRecording, path: Path) -> emg_core.Recording:
    write_recording(made, path)
    return emg_core.open(path)


def power(samples: Array) -> Array:
    density: Array = signal.welch(samples, RATE, nperseg=256)[1]
    return density


def spectral(density: Array) -> dict[str, Any]:
    frequency, step = np.arange(129) * RATE / 256, RATE / 256
    edges = np.clip(np.append(frequency - step / 2, RATE / 2), 0, RATE / 2)
    cumulative = np.append(0, np.cumsum(density))
    band = (frequency >= 8) & (frequency <= min(500, 0.45 * RATE))
    low, high = density[band] / frequency[band], density[band] * frequency[band] ** 5
    return {
        "mpf_hz": frequency @ density / density.sum(),
        "mdf_hz": np.interp(cumulative[-1] / 2, cumulative, edges),
        "fi_nsm5": low.sum() / high.sum(),
    }


def test_amplitude_and_spectrum_are_those_of_the_high_passed_signal(cases: list[Case]) -> None:
    for case in cases:
        high = case.high
        assert case.muscle["amplitude"] == pytest.approx(
            {
                "rms_volts": np.sqrt(np.mean(high**2)),
                "mav_volts": np.mean(np.abs(high)),
                "iemg_volt_seconds": np.abs(high).sum() / RATE,
            },
            rel=1e-9,
        )
        assert case.muscle["spectrum"] == pytest.approx(spectral(power(high)), rel=1e-9)


def test_windows_are_those_of_the_high_passed_signal(cases: list[Case]) -> None:
    for case in cases:
        found = case.muscle["windows"]
        for name, values in window_metrics(case.high).items():
            assert found[name]["mean"] == pytest.approx(values.mean(), rel=FOUR_DIGITS)
            assert found[name]["std"] == pytest.approx(values.std(ddof=1), rel=FOUR_DIGITS)
            assert found[name]["n"] == len(values)


def window_metrics(high: Array) -> dict[str, Array]:
    """Return each metric over whole windows of one second, half overlapping."""
    windows = [high[at : at + 990] for at in range(0, len(high) - 989, 495)]
    rms = np.array([np.sqrt(np.mean(window**2)) for window in windows])
    spectra = [spectral(power(window)) for window in windows]
    return {"rms_volts": rms} | {name: np.array([metrics[name] for metrics in spectra]) for name in spectra[0]}


def rest(timing: Array) -> tuple[float, float]:
    """Return median and robust standard deviation of the quietest quarter of the whole blocks of 250 ms."""
    blocks = timing[: len(timing) // 247 * 247].reshape(-1, 247)
    order = np.argsort(np.abs(blocks).mean(axis=1), kind="stable")
    quiet = blocks[order[: -(-len(blocks) // 4)]].ravel()
    return float(np.median(quiet)), float(stats.median_abs_deviation(quiet, scale="normal"))


def runs(timing: Array, on: float, off: float) -> Spans:
    found, start = [], None
    for i, value in enumerate(timing):
        if start is None and value > on:
            start = i
        elif start is not None and value <= off:
            found.append((start, i))
            start = None
    return found if start is None else [*found, (start, len(timing))]


def tidied(found: Spans) -> Spans:
    merged: Spans = []
    for start, end in found:
        if merged and start - merged[-1][1] <= 198:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return [span for span in merged if span[1] - span[0] >= 99]


def test_contractions_are_where_the_threshold_with_hysteresis_says(cases: list[Case]) -> None:
    for case in cases:
        is_activated = case.muscle["timing_channel"].endswith("activated")
        timing = np.abs(case.activated) if is_activated else envelope(case.high, RATE)
        median, deviation = rest(timing)
        height = max(0.05 * (np.quantile(timing, 0.995) - median), 3 * deviation)
        assert case.muscle["detection_threshold_volts"] == pytest.approx(median + height, rel=1e-9)
        expected = tidied(runs(timing, median + height, median + 0.6 * height))
        found = [(c["start_sample"], c["end_sample"]) for c in case.muscle["contractions"]]
        assert found == expected != []


def test_each_contraction_is_measured_between_its_samples(cases: list[Case]) -> None:
    for case in cases:
        high, smooth = case.high, envelope(case.high, RATE)
        for found in case.muscle["contractions"]:
            start, end = found["start_sample"], found["end_sample"]
            part, shape = high[start:end], smooth[start:end]
            metrics = spectral(power(part)) if len(part) >= 256 else {"mpf_hz": None, "mdf_hz": None}
            expected = {
                "mean_amplitude_volts": shape.mean(),
                "max_amplitude_volts": shape.max(),
                "rms_volts": np.sqrt(np.mean(part**2)),
                "iemg_volt_seconds": np.abs(part).sum() / RATE,
                "mpf_hz": metrics["mpf_hz"],
                "mdf_hz": metrics["mdf_hz"],
            }
            assert {name: found.get(name) for name in expected} == pytest.approx(expected, rel=FOUR_DIGITS)
            times = {"start_ms": start, "end_ms": end, "duration_ms": end - start, "time_to_peak_ms": shape.argmax()}
            for name, samples in times.items():
                assert found[name] == pytest.approx(samples / RATE * 1000, abs=TENTH_MS)


def test_the_slope_and_its_interval_are_those_of_a_linear_regression(cases: list[Case]) -> None:
    for case in cases:
        contractions = [c for c in case.muscle["contractions"] if c["mdf_hz"] is not None]
        minutes = np.array([(c["start_sample"] + c["end_sample"]) / 2 / RATE / 60 for c in contractions])
        parts = [case.high[c["start_sample"] : c["end_sample"]] for c in contractions]
        line = stats.linregress(minutes, [spectral(power(part))["mdf_hz"] for part in parts])
        reach = stats.t.ppf(0.975, len(contractions) - 2) * line.stderr
        first, last = line.intercept + line.slope * minutes[[0, -1]]
        assert case.muscle["fatigue"] == pytest.approx(
            {
                "contractions": len(contractions),
                "mdf_slope_hz_per_minute": line.slope,
                "ci_low_hz_per_minute": line.slope - reach,
                "ci_high_hz_per_minute": line.slope + reach,
                "mdf_change_percent": (last - first) / first * 100,
                "falls_over_10_percent": (last - first) / first < -0.1 and line.slope + reach < 0,
            },
            rel=FOUR_DIGITS,
        )


def test_the_lag_of_the_activated_channel_is_found(cases: list[Case]) -> None:
    for case in cases:
        lag_ms = case.muscle["timing_lag_ms"]
        # 57 samples were put in; its average of 99 samples is centred.
        expected = 57 / RATE * 1000 if case.muscle["timing_channel"].endswith("activated") else None
        assert lag_ms == (None if expected is None else pytest.approx(expected, abs=1.5))


def with_dropout(made: SyntheticRecording, start: int, end: int) -> SyntheticRecording:
    raw = made.channels["CH1 Raw"].copy()
    raw[start:end] = -5.5e-3
    return replace(made, channels=made.channels | {"CH1 Raw": raw})


def test_a_dropout_splits_the_signal_and_counts_for_nothing(tmp_path: Path) -> None:
    start, end = 20_000, 20_270
    recording = written(with_dropout(synthesize(seed=5, seconds=75), start, end), tmp_path / "dropout.c3d")
    muscle = recording.analyze(profile="standard-1")["muscles"][0]
    raw = recording["CH1 Raw"].samples
    parts = [high_passed(part, RATE) for part in (raw[:start], raw[end:])]
    high = np.concatenate(parts)
    assert muscle["amplitude"]["rms_volts"] == pytest.approx(np.sqrt(np.mean(high**2)), rel=1e-9)
    weights = [(len(part) - 256) // 128 + 1 for part in parts]
    density = sum(power(part) * weight for part, weight in zip(parts, weights, strict=True))
    assert muscle["spectrum"] == pytest.approx(spectral(density), rel=1e-9)


def test_the_document_is_the_same_as_json(tmp_path: Path) -> None:
    recording = written(synthesize(seed=5, seconds=20, contractions=4), tmp_path / "made.c3d")
    assert json.loads(recording.analyze_json("standard-1")) == recording.analyze("standard-1")


@pytest.mark.parametrize(("completed", "day", "expected"), [(5, 2, None), (3, 7, 20), (30, 14, 100), (99, 7, 100)])
def test_adherence_is_a_share_of_fifteen_sessions_a_week(completed: int, day: int, expected: float | None) -> None:
    assert emg_core.adherence(completed, day) == expected
