"""A made-up GHOSTLY recording whose truth is known: what `emg synth` writes and the first `emg run` analyses.

Two muscles, each with a raw channel (band-limited noise, louder during contractions) and the vendor's `activated`
channel (smoothed, lagging, zero at rest), laid out as the game writes them: 33 frames a second, 30 samples a frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emg_local.synth_faults import TrueFault, plant
from emg_session.errors import BadAnalysisRequest

Samples = NDArray[np.float64]

POINT_RATE_HZ = 33
SAMPLES_PER_FRAME = 30
SAMPLE_RATE_HZ = POINT_RATE_HZ * SAMPLES_PER_FRAME
MUSCLES = ("CH1", "CH2")
PLAYER_NAME = "Synthetic Player"
ACTIVATED_LAG_SAMPLES = 57  # 58 ms; GHOSTLY's lies between 49 and 67 ms

_SHORTEST_S, _LONGEST_S = 2.0, 1800.0  # C3D counts frames in 16 bits
_SHORTEST_WITH_FAULTS_S = 8.0
_REST_S = 2.0
_SHORTEST_SLOT_S = 1.5
_REST_VOLTS, _WEAKEST_VOLTS, _STRONGEST_VOLTS = 4e-6, 80e-6, 200e-6
_DC_OFFSET_VOLTS = -5e-6
_BAND_HZ = (25.0, 90.0, 400.0)  # start, peak and end of the EMG's spectrum
_RAMP_S = 0.1
_SMOOTHING_SAMPLES = 99
_ACTIVATION_THRESHOLD_VOLTS = 5 * _REST_VOLTS


@dataclass(frozen=True, kw_only=True)
class TrueContraction:
    """One contraction as it was put into the raw channel: half-open, in samples."""

    start_sample: int
    end_sample: int
    rms_volts: float


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is in the recording."""

    seed: int
    sample_rate_hz: int
    samples_per_channel: int
    activated_lag_samples: int
    rest_rms_volts: float
    dc_offset_volts: float
    contractions: dict[str, tuple[TrueContraction, ...]]
    faults: tuple[TrueFault, ...] = ()


@dataclass(frozen=True)
class SyntheticRecording:
    """Channels by their C3D label (float64, shape (samples,), volts) and the truth about them."""

    channels: dict[str, Samples]
    truth: Truth


def synthesize(
    *, seed: int = 1, seconds: float = 75.0, contractions: int = 12, faults: bool = False
) -> SyntheticRecording:
    """Make a recording; the same arguments give the same one. Raises BadAnalysisRequest for what cannot be made.

    With `faults` its raw channels hold some of every kind; everything else is as without them.
    """
    _check(seconds, contractions, faults=faults)
    frames = round(seconds * POINT_RATE_HZ)
    count = frames * SAMPLES_PER_FRAME
    random = np.random.default_rng(seed)
    truth = {muscle: _contractions(random, count, contractions) for muscle in MUSCLES}
    raw = {muscle: _raw_channel(random, count, truth[muscle]) for muscle in MUSCLES}
    channels = {f"{muscle} Raw": samples for muscle, samples in raw.items()}
    channels |= {f"{muscle} activated": _activated_channel(samples) for muscle, samples in raw.items()}
    planted = _plant(np.random.default_rng([seed, 1]), channels) if faults else ()
    return SyntheticRecording(
        channels,
        Truth(
            seed=seed,
            sample_rate_hz=SAMPLE_RATE_HZ,
            samples_per_channel=count,
            activated_lag_samples=ACTIVATED_LAG_SAMPLES,
            rest_rms_volts=_REST_VOLTS,
            dc_offset_volts=_DC_OFFSET_VOLTS,
            contractions=truth,
            faults=planted,
        ),
    )


def write_recording(recording: SyntheticRecording, path: Path) -> None:
    """Write the recording as the game does; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.unfinished.c3d")  # ezc3d appends .c3d to any other name
    _c3d(recording).write(str(unfinished))
    unfinished.replace(path)


def _check(seconds: float, contractions: int, *, faults: bool) -> None:
    if not _SHORTEST_S < seconds <= _LONGEST_S:
        raise BadAnalysisRequest(f"{seconds} s can't be made: choose more than {_SHORTEST_S} and up to {_LONGEST_S}")
    most = int((seconds - _REST_S) / _SHORTEST_SLOT_S)
    if not 0 <= contractions <= most:
        raise BadAnalysisRequest(f"{seconds} s hold 0 to {most} contractions, not {contractions}")
    if faults and seconds < _SHORTEST_WITH_FAULTS_S:
        raise BadAnalysisRequest(
            f"{seconds} s can't hold faults of every kind: choose {_SHORTEST_WITH_FAULTS_S} or more"
        )


def _plant(random: np.random.Generator, channels: dict[str, Samples]) -> tuple[TrueFault, ...]:
    """Put faults into the raw channels; return the truth about them."""
    planted: list[TrueFault] = []
    for name in [f"{muscle} Raw" for muscle in MUSCLES]:
        channels[name], truth = plant(random, name, channels[name])
        planted.extend(truth)
    return tuple(planted)


def _contractions(random: np.random.Generator, count: int, number: int) -> tuple[TrueContraction, ...]:
    """Place one contraction in each of `number` equal slots between a second of rest at both ends."""
    edges = np.linspace(SAMPLE_RATE_HZ, count - SAMPLE_RATE_HZ, number + 1)
    found = []
    for slot_start, slot_end in pairwise(edges):
        slot = slot_end - slot_start
        start = round(slot_start + random.uniform(0.05, 0.25) * slot)
        end = start + round(random.uniform(0.40, 0.60) * slot)
        rms_volts = float(random.uniform(_WEAKEST_VOLTS, _STRONGEST_VOLTS))
        found.append(TrueContraction(start_sample=start, end_sample=end, rms_volts=rms_volts))
    return tuple(found)


def _raw_channel(random: np.random.Generator, count: int, contractions: tuple[TrueContraction, ...]) -> Samples:
    activity = np.zeros(count)
    for contraction in contractions:
        length = contraction.end_sample - contraction.start_sample
        activity[contraction.start_sample : contraction.end_sample] = contraction.rms_volts * _ramps(length)
    rest = _REST_VOLTS * random.standard_normal(count)
    return _DC_OFFSET_VOLTS + rest + activity * _muscle_noise(random, count)


def _ramps(length: int) -> Samples:
    """Return 1 with cosine ramps at both ends."""
    ramp_samples = min(_RAMP_S * SAMPLE_RATE_HZ, length / 2)
    position = np.arange(length) + 0.5
    distance = np.minimum(position, length - position)
    ramps: Samples = 0.5 - 0.5 * np.cos(np.pi * np.minimum(1.0, distance / ramp_samples))
    return ramps


def _muscle_noise(random: np.random.Generator, count: int) -> Samples:
    """Return noise with the spectrum of a surface EMG and an RMS of 1."""
    start, peak, end = _BAND_HZ
    frequency_hz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ)
    gain = np.interp(frequency_hz, [start, peak, end], [0.0, 1.0, 0.0])
    noise = np.fft.irfft(gain * np.fft.rfft(random.standard_normal(count)), count)
    unit: Samples = noise / np.sqrt(np.mean(noise**2))
    return unit


def _activated_channel(raw: Samples) -> Samples:
    rectified = np.abs(raw - _DC_OFFSET_VOLTS)
    smooth = np.convolve(rectified, np.full(_SMOOTHING_SAMPLES, 1 / _SMOOTHING_SAMPLES), mode="same")
    lagging = np.concatenate([np.zeros(ACTIVATED_LAG_SAMPLES), smooth[:-ACTIVATED_LAG_SAMPLES]])
    activated: Samples = np.where(lagging > _ACTIVATION_THRESHOLD_VOLTS, lagging, 0.0)
    return activated


def _c3d(recording: SyntheticRecording) -> Any:  # noqa: ANN401 - ezc3d has no types
    import ezc3d  # noqa: PLC0415 - 0.1 s, and only `emg run` and `emg synth` need it

    document = ezc3d.c3d()
    frames = recording.truth.samples_per_channel // SAMPLES_PER_FRAME
    document["parameters"]["POINT"]["RATE"]["value"] = [POINT_RATE_HZ]
    document["parameters"]["POINT"]["LABELS"]["value"] = ["PlayerPosition"]
    document["parameters"]["ANALOG"]["RATE"]["value"] = [SAMPLE_RATE_HZ]
    document["parameters"]["ANALOG"]["LABELS"]["value"] = list(recording.channels)
    document["data"]["points"] = _player_positions(frames)
    document["data"]["analogs"] = np.stack(list(recording.channels.values()))[np.newaxis]
    _add_game_parameters(document.add_parameter, frames, recording.truth)
    return document


def _player_positions(frames: int) -> Samples:
    """Return one moving point, shape (4, 1, frames): x, y, z in pixels and a 1."""
    seconds = np.arange(frames) / POINT_RATE_HZ
    x, y = 330 + 40 * np.sin(seconds), 350 + 80 * np.cos(0.7 * seconds)
    return np.stack([x, y, np.full(frames, -3.0), np.ones(frames)])[:, np.newaxis]


def _add_game_parameters(add: Callable[[str, str, Any], None], frames: int, truth: Truth) -> None:
    game: dict[str, Any] = {
        "SYSTEM": ["OpenFeasyo"],
        "EVENT": ["gameplay"],
        "GAME_NAME": ["Ghostly"],
        "GAME_LEVEL": 2,
        "GAME_LEVEL_NAME": ["Synthetic level"],
        "VERSION": ["emg synth"],
        "DURATION": round(frames / POINT_RATE_HZ),
        "THERAPIST_ID": ["Synthetic Therapist"],
        "GROUP_ID": ["Synthetic Group"],
        "TIME": ["2024", "1", "2", "10", "30"],
    }
    score = float(sum(len(contractions) for contractions in truth.contractions.values()))
    subject = {"PLAYER_NAME": [PLAYER_NAME], "GAME_SCORE": [score], "MARKER_SET": ["Synthetic marker set"]}
    for group, parameters in {"INFO": game, "SUBJECTS": subject}.items():
        for name, value in parameters.items():
            add(group, name, value)
