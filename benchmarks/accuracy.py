"""How well standard-1 finds what `emg synth` planted: onsets, ends, amplitude and median frequency, for each detector.

Run as `make accuracy`. Errors are what is told minus what is true. Of the contractions told that overlap a planted one
the first counts as it, the others as false.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import emg_core
import numpy as np
from numpy.typing import NDArray

from emg_local.synth import SAMPLE_RATE_HZ, SyntheticRecording, TrueContraction, synthesize, write_recording

SEEDS = range(1, 21)
REST_VOLTS = (4e-6, 20e-6)
DETECTORS = ("threshold", "hodges-bui-tkeo", "bonato")
BAND_HZ, RAMP_SAMPLES = (25.0, 90.0, 400.0), 99


@dataclass
class Errors:
    """What one detector did on all recordings."""

    onsets_ms: list[float] = field(default_factory=list)
    ends_ms: list[float] = field(default_factory=list)
    rms_percent: list[float] = field(default_factory=list)
    mdf_hz: list[float] = field(default_factory=list)
    lags_ms: list[float] = field(default_factory=list)
    planted: int = 0
    missed: int = 0
    false: int = 0


def main() -> None:
    print(f"{len(SEEDS)} recordings of 75 s, two muscles with 12 contractions each, from 80 to 200 µV")
    print("median [5th to 95th percentile]; the RMS against that of what was planted, ramps and noise included")
    for rest_volts in REST_VOLTS:
        print(f"\n{1e6 * rest_volts:.0f} µV of noise at rest")
        print(f"{'timing':<36}{'missed':>7}{'false':>7}  {'onset, ms':<24}{'end, ms':<24}{'RMS, %':<22}{'MDF, Hz':<22}")
        for name, errors in measured(rest_volts, SEEDS).items():
            print_row(name, errors)


def print_row(name: str, errors: Errors) -> None:
    columns = [spread(values) for values in (errors.onsets_ms, errors.ends_ms, errors.rms_percent, errors.mdf_hz)]
    texts = "".join(f"{text:<{width}}" for text, width in zip(columns, (24, 24, 22, 22), strict=True))
    print(f"{name:<36}{errors.missed:>7}{errors.false:>7}  {texts}")
    if errors.lags_ms:
        print(f"{'':<36}its lag, planted as 57.6 ms, is told as {spread(errors.lags_ms)} ms")


def measured(rest_volts: float, seeds: Iterable[int]) -> dict[str, Errors]:
    """Return the errors of every way to time contractions."""
    found: dict[str, Errors] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.c3d"
        for made in (noisier(synthesize(seed=seed), rest_volts) for seed in seeds):
            raw_only = SyntheticRecording({k: v for k, v in made.channels.items() if "Raw" in k}, made.truth)
            cases = [("threshold on the activated channel", made, "threshold")]
            cases += [(f"{detector} on the raw channel", raw_only, detector) for detector in DETECTORS]
            for name, recording, detector in cases:
                write_recording(recording, path)
                summary = emg_core.open(path).analyze("standard-1", {"detector": detector})
                add(found.setdefault(name, Errors()), summary, made)
    return found


def noisier(made: SyntheticRecording, rest_volts: float) -> SyntheticRecording:
    """Return the recording with so much white noise on its raw channels."""
    random = np.random.default_rng(made.truth.seed)
    added = np.sqrt(rest_volts**2 - made.truth.rest_rms_volts**2)
    truth = replace(made.truth, rest_rms_volts=rest_volts)
    noisy = {k: v + added * random.standard_normal(len(v)) for k, v in made.channels.items() if "Raw" in k}
    return SyntheticRecording(made.channels | noisy, truth)


def add(errors: Errors, summary: dict[str, Any], made: SyntheticRecording) -> None:
    for muscle in summary["muscles"]:
        truth, contractions = made.truth.contractions[muscle["name"]], muscle["contractions"]
        pairs = list(paired(truth, contractions))
        errors.planted += len(truth)
        errors.missed += len(truth) - len(pairs)
        errors.false += len(contractions) - len(pairs)
        if muscle["timing_lag_ms"] is not None:
            errors.lags_ms.append(muscle["timing_lag_ms"])
        for true, found in pairs:
            errors.onsets_ms.append(milliseconds(found["start_sample"] - true.start_sample))
            errors.ends_ms.append(milliseconds(found["end_sample"] - true.end_sample))
            expected = expected_rms(true, found["start_sample"], found["end_sample"], made.truth.rest_rms_volts)
            errors.rms_percent.append(100 * (found["rms_volts"] / expected - 1))
            errors.mdf_hz.append(found["mdf_hz"] - true_median_hz())


def paired(
    truth: tuple[TrueContraction, ...], found: list[dict[str, Any]]
) -> Iterator[tuple[TrueContraction, dict[str, Any]]]:
    for true in truth:
        over = [f for f in found if f["start_sample"] < true.end_sample and f["end_sample"] > true.start_sample]
        if over:
            yield true, over[0]


def milliseconds(samples: int) -> float:
    return samples / SAMPLE_RATE_HZ * 1000


def expected_rms(true: TrueContraction, start: int, end: int, rest_volts: float) -> float:
    """Return the RMS of what was planted between two samples: cosine ramps, and noise at rest."""
    position = np.arange(start, end) - true.start_sample + 0.5
    distance = np.clip(np.minimum(position, true.end_sample - true.start_sample - position), 0, RAMP_SAMPLES)
    activity = true.rms_volts * (0.5 - 0.5 * np.cos(np.pi * distance / RAMP_SAMPLES))
    return float(np.sqrt(np.mean(activity**2) + rest_volts**2))


def true_median_hz() -> float:
    """Return where the planted spectrum, whose amplitude is a triangle, has half of its power below."""
    frequency_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, 100_001)
    cumulative = np.cumsum(np.interp(frequency_hz, BAND_HZ, [0.0, 1.0, 0.0]) ** 2)
    return float(np.interp(cumulative[-1] / 2, cumulative, frequency_hz))


def spread(values: list[float]) -> str:
    low, median, high = percentiles(np.array(values))
    return f"{median:.1f} [{low:.1f} to {high:.1f}]"


def percentiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    low, median, high = np.percentile(values, [5, 50, 95])
    return float(low), float(median), float(high)


if __name__ == "__main__":
    main()
