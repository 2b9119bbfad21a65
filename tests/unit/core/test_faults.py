"""Faults: those planted, those known in real recordings, and none elsewhere."""

from itertools import pairwise
from pathlib import Path

import emg_core
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emg_local.synth import synthesize, write_recording
from tests.support.needs import shared_data

FRAME = 30
FILL_VOLTS = -32768 * 1.6784923673185403e-07  # the converter's lowest step
FILLED, SATURATED = "Ghostly_Emg_20230321_17-50-17-0881.c3d", "Ghostly_Emg_20231004_13-18-43-0464.c3d"
CLEAN = ("Ghostly_Emg_20230321_17-23-09-0409.c3d", "Ghostly_Emg_20250310_11-46-23-0823.c3d")


def ghostly(name: str) -> emg_core.Recording:
    return emg_core.open(shared_data("c3d") / "real/ghostly" / name)


def found(channel: emg_core.Channel) -> list[tuple[str, int, int]]:
    return emg_core.faults(channel.samples, 990.0, rests_at_zero=channel.role == "activated")


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of True, half-open: numpy's witness of a scan."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


@given(st.integers(0, 2**32 - 1), st.floats(8.0, 40.0), st.integers(0, 4))
@settings(max_examples=60)
def test_planted_faults_are_found_to_the_sample_and_no_others(seed: int, seconds: float, contractions: int) -> None:
    made = synthesize(seed=seed, seconds=seconds, contractions=contractions, faults=True)
    for name, samples in made.channels.items():
        planted = [(f.kind, f.start_sample, f.end_sample) for f in made.truth.faults if f.channel == name]
        stored = samples.astype(np.float32).astype(np.float64)  # as a recording holds them
        assert emg_core.faults(stored, 990.0, rests_at_zero="activated" in name) == planted


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_clean_recording_has_no_fault(seed: int) -> None:
    for name, samples in synthesize(seed=seed, seconds=30, contractions=5).channels.items():
        assert emg_core.faults(samples.astype(np.float32), 990.0, rests_at_zero="activated" in name) == []


def test_the_fills_of_a_real_recording_are_found_and_nothing_else() -> None:
    channels = ghostly(FILLED).channels
    filled = channels[0].samples
    witness = [run for run in runs(np.isclose(filled, FILL_VOLTS, rtol=1e-6)) if run[1] - run[0] >= 10]
    assert found(channels[0]) == [("Dropout", start, end) for start, end in witness]
    # Six of them, each as long as nine frames; they need not begin with one.
    assert [end - start for start, end in witness] == [9 * FRAME] * 6
    assert [start for start, _ in witness] == [18_000, 20_085, 21_810, 23_850, 103_500, 105_675]
    assert [found(channel) for channel in channels[1:]] == [[], [], []]


def test_fills_leave_the_dc_offset_alone() -> None:
    samples = ghostly(FILLED)["CH1 Raw"].samples
    report = ghostly(FILLED).analyze("ghostly-2")["channels"][0]
    rest = samples[~np.isclose(samples, FILL_VOLTS, rtol=1e-6)]
    # Both sums round: 173,000 additions of some 1e-4 V keep 12 digits and more.
    assert report["dc_offset_volts"] == pytest.approx(rest.mean(), rel=1e-10)
    assert report["usable_fraction"] == len(rest) / len(samples)


def test_no_other_real_recording_here_holds_a_fill() -> None:
    for name in (*CLEAN, SATURATED):
        for channel in ghostly(name).channels:
            assert not np.isclose(channel.samples, FILL_VOLTS, rtol=1e-6).any()
            assert "Dropout" not in [kind for kind, _, _ in found(channel)]


@pytest.mark.parametrize("name", CLEAN)
def test_clean_real_recordings_have_no_fault(name: str) -> None:
    assert [found(channel) for channel in ghostly(name).channels] == [[], [], [], []]


@pytest.mark.parametrize("channel", [0, 1])
def test_saturation_of_a_real_recording_is_where_numpy_sees_the_rail(channel: int) -> None:
    samples = ghostly(SATURATED).channels[channel].samples
    # The rail jitters: 0.5 % of the range below the extremes, runs up to 5 ms (4 samples) apart are one.
    band = 0.005 * np.ptp(samples)
    at_rail = runs((samples >= samples.max() - band) | (samples <= samples.min() + band))
    merged = [list(at_rail[0])]
    for (_, end), (start, next_end) in pairwise(at_rail):
        if start - end <= 4:
            merged[-1][1] = next_end
        else:
            merged.append([start, next_end])
    assert found(ghostly(SATURATED).channels[channel]) == [("Saturated", start, end) for start, end in merged]


def test_the_saturated_channels_are_named_with_their_numbers() -> None:
    summary = ghostly(SATURATED).analyze()
    verdicts = {channel["name"]: channel["verdict"] for channel in summary["channels"]}
    assert verdicts == {
        "CH1 Raw": "Degraded",
        "CH2 Raw": "Degraded",
        "CH1 activated": "Usable",
        "CH2 activated": "Usable",
    }
    reason = summary["channels"][0]["reasons"][0]
    assert (reason["reason"], reason["count"]) == ("Saturated", 543)
    assert len(summary["faults"]) + summary["faults_not_listed"] == 543 + 8
    assert summary["channels"][0]["usable_s"] == pytest.approx(63_240 / 990 - reason["seconds"])


@pytest.mark.parametrize("name", [*CLEAN, FILLED])
def test_no_real_recording_here_hums(name: str) -> None:
    for channel in ghostly(name).analyze()["channels"]:
        assert channel["mains_ratio"] is None or channel["mains_ratio"] < 2
        assert "MainsHum" not in [reason["reason"] for reason in channel["reasons"]]


def test_the_saturated_recording_hums_at_50_hz() -> None:
    samples = ghostly(SATURATED)["CH1 Raw"].samples
    # The witness resolves 1 / 64 Hz: over half a hertz the line (mains and recorder drift) stands alone.
    power = np.abs(np.fft.rfft(samples - samples.mean())) ** 2
    frequency_hz = np.fft.rfftfreq(len(samples), 1 / 990)
    around = (np.abs(frequency_hz - 50) < 15) & (np.abs(frequency_hz - 50) > 1)
    assert power[np.abs(frequency_hz - 50) < 0.25].mean() > 10 * power[around].mean()
    reasons = ghostly(SATURATED).analyze()["channels"][0]["reasons"]
    assert [reason["line_hz"] for reason in reasons if reason["reason"] == "MainsHum"] == [50]


@pytest.mark.parametrize("line_hz", [50, 60])
def test_hum_is_told_with_its_line(line_hz: int, tmp_path: Path) -> None:
    made = synthesize(seconds=20, contractions=3)
    hum = 4e-5 * np.sin(2 * np.pi * line_hz / 990 * np.arange(made.truth.samples_per_channel))
    made.channels["CH1 Raw"] += hum
    write_recording(made, tmp_path / "hums.c3d")
    humming, clean = emg_core.open(tmp_path / "hums.c3d").analyze()["channels"][:2]
    assert (humming["verdict"], clean["verdict"]) == ("Degraded", "Usable")
    assert [(reason["reason"], reason["line_hz"]) for reason in humming["reasons"]] == [("MainsHum", line_hz)]
    assert clean["mains_ratio"] < 2


@given(st.integers(1, 12), st.floats(1e-6, 1e3), st.integers(0, 2**32 - 1))
def test_an_equal_run_is_a_dropout_from_ten_milliseconds_on(samples: int, volts: float, seed: int) -> None:
    signal = volts * np.random.default_rng(seed).uniform(-1, 1, 2000)
    signal[700 : 700 + samples] = -3 * volts
    kinds = [kind for kind, _, _ in emg_core.faults(signal, 1000.0)]
    assert ("Dropout" in kinds) == (samples >= 10)
