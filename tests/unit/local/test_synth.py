from pathlib import Path

import emg_core
import ezc3d
import numpy as np
import pytest

from emg_local.synth import MUSCLES, synthesize, write_recording
from emg_session.errors import BadAnalysisRequest

_FLOAT32 = 1e-7  # relative: what writing float64 as float32 loses


@pytest.fixture(scope="module")
def recording():
    return synthesize(seed=3, seconds=40, contractions=6)


@pytest.fixture
def written(recording, tmp_path: Path) -> Path:
    write_recording(recording, tmp_path / "made.c3d")
    return tmp_path / "made.c3d"


def test_the_same_seed_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write_recording(synthesize(seed=3, seconds=40, contractions=6), tmp_path / "again.c3d")
    write_recording(synthesize(seed=4, seconds=40, contractions=6), tmp_path / "other.c3d")
    assert (tmp_path / "again.c3d").read_bytes() == written.read_bytes()
    assert (tmp_path / "other.c3d").read_bytes() != written.read_bytes()


def test_ezc3d_reads_what_was_made(recording, written: Path) -> None:
    document = ezc3d.c3d(str(written))
    analog = document["parameters"]["ANALOG"]
    assert (analog["LABELS"]["value"], analog["RATE"]["value"][0]) == (list(recording.channels), 990)
    assert document["parameters"]["POINT"]["RATE"]["value"][0] == 33
    for read, made in zip(document["data"]["analogs"][0], recording.channels.values(), strict=True):
        np.testing.assert_allclose(read, made, rtol=_FLOAT32, atol=_FLOAT32 * np.abs(made).max())


def test_our_core_reads_the_same_samples_as_ezc3d(written: Path) -> None:
    analogs = ezc3d.c3d(str(written))["data"]["analogs"][0]
    for channel, witness in zip(emg_core.open(written).channels, analogs, strict=True):
        np.testing.assert_array_equal(channel.samples, witness)


def test_the_game_parameters_are_a_ghostly_games(written: Path) -> None:
    with written.open("rb") as file:
        prefix = file.read(4096)
    game = emg_core.probe(prefix, written.stat().st_size)["game"]
    assert "Ghostly" in game.values()
    assert emg_core.personal(prefix)["player_name"] == "Synthetic Player"


def test_contractions_are_where_the_truth_says(recording) -> None:
    for muscle in MUSCLES:
        raw = recording.channels[f"{muscle} Raw"] - recording.truth.dc_offset_volts
        active = np.zeros(len(raw), dtype=bool)
        for contraction in recording.truth.contractions[muscle]:
            active[contraction.start_sample : contraction.end_sample] = True
            middle = raw[contraction.start_sample + 100 : contraction.end_sample - 100]
            # The noise is fresh in each: 0.3 covers four standard errors of an RMS over two seconds.
            assert np.sqrt(np.mean(middle**2)) == pytest.approx(contraction.rms_volts, rel=0.3)
        assert np.sqrt(np.mean(raw[~active] ** 2)) == pytest.approx(recording.truth.rest_rms_volts, rel=0.05)


def test_the_analysis_finds_the_true_contractions(recording, written: Path) -> None:
    summary = emg_core.open(written).analyze()
    for muscle in summary["muscles"]:
        truth = recording.truth.contractions[muscle["name"]]
        starts = [contraction["start_sample"] for contraction in muscle["contractions"]]
        assert muscle["skipped"] is None
        assert len(starts) == len(truth)
        # Smoothing (99 + 100 samples) moves onsets; the vendor's lag delays them.
        assert all(abs(start - known.start_sample) < 200 for start, known in zip(starts, truth, strict=True))


def test_faults_change_nothing_but_their_samples(recording) -> None:
    faulty = synthesize(seed=3, seconds=40, contractions=6, faults=True)
    assert faulty.truth.contractions == recording.truth.contractions
    for name, samples in recording.channels.items():
        same = np.ones(len(samples), dtype=bool)
        for fault in faulty.truth.faults:
            if fault.channel == name:
                same[fault.start_sample : fault.end_sample] = False
        np.testing.assert_array_equal(faulty.channels[name][same], samples[same])
        assert same.all() == name.endswith("activated")


def test_faults_need_eight_seconds() -> None:
    with pytest.raises(BadAnalysisRequest, match=r"choose 8\.0 or more"):
        synthesize(seconds=7.9, contractions=0, faults=True)


def test_what_cannot_be_made_is_refused() -> None:
    for seconds, contractions in ((1.0, 0), (4000.0, 1), (20.0, 100), (20.0, -1)):
        with pytest.raises(BadAnalysisRequest):
            synthesize(seconds=seconds, contractions=contractions)
