"""Reading recordings: what a prefix, a window, a cut and a name come to. Facts of 120 files are in test_corpus.py."""

import emg_core
import ezc3d
import numpy as np
import pytest

from tests.support.needs import shared_data


def test_every_sample_agrees_with_ezc3d() -> None:
    for path in sorted((shared_data("c3d") / "real/ghostly").glob("*.c3d")):
        theirs = ezc3d.c3d(str(path))["data"]["analogs"][0]
        for channel, samples in zip(emg_core.open(path).channels, theirs, strict=True):
            assert np.array_equal(channel.samples, samples)


def test_the_first_1536_bytes_tell_all_about_a_ghostly_recording(longest: bytes) -> None:
    metadata = emg_core.probe(longest[:1536])
    assert (metadata["frames"], metadata["size_bytes"], metadata["sha256"]) == (5779, None, None)
    assert [channel["muscle"] for channel in metadata["channels"]] == ["CH1", "CH2", "CH1", "CH2"]
    assert metadata["game"]["recorded_at"] == "2023-03-21T17:50"
    assert [flag["flag"] for flag in metadata["flags"]] == ["UnitsAssumed", "TimebaseMismatch"]


def test_a_cut_recording_says_how_many_frames_it_holds(longest: bytes) -> None:
    metadata = emg_core.open(longest[:1_000_000]).metadata
    assert {"flag": "Truncated", "declared_frames": 5779, "held_frames": 2013} in metadata["flags"]
    assert metadata["samples_per_channel"] == 2013 * 30


def test_personal_facts_are_kept_apart(longest: bytes) -> None:
    named = emg_core.open(longest.replace(b"Default", b"Someone", 1))
    assert set(named.personal) == {"player_name", "therapist_id", "group_id", "marker_set"}
    assert named.personal["player_name"] == "Someone"
    assert b"Someone" not in named.analyze_json()


def test_events_tell_their_time_in_the_trial_and_in_the_recording() -> None:
    """This one starts at frame 300 of its trial, at 120 frames per second: 299/120 s are not in it."""
    recording = emg_core.open(shared_data("c3d") / "real/c3d.org/sample03/gait-pig-nz.c3d")
    first = recording.events[0]
    assert (first["label"], first["context"], len(recording.events)) == ("Foot Strike", "Right", 7)
    assert first["time_s"] == pytest.approx(376 / 120, rel=1e-6)  # stored as float32
    assert first["in_recording_s"] == first["time_s"] - 299 / 120
    assert "Foot Strike" not in str(recording.metadata)


def test_channels_are_found_in_any_case_and_by_muscle(longest: bytes) -> None:
    recording = emg_core.open(longest)
    assert recording["ch1 RAW"].name == recording["CH1"].name == "CH1 Raw"
    with pytest.raises(KeyError, match="CH2 activated"):
        recording["CH3"]


def test_a_window_reads_the_bytes_it_needs(longest: bytes) -> None:
    layout = emg_core.Layout(longest[:1536], len(longest))
    first, end, start, stop = layout.frame_window(10.0, 20.0)
    whole = emg_core.open(longest)["CH2 Raw"].samples
    assert (first, end, stop - start) == (9900, 19800, 163_680)
    assert np.array_equal(layout.samples(longest[start:stop], layout.channel_index("CH2 Raw")), whole[first:end])


@pytest.mark.parametrize("window", [(-5.0, -1.0), (1e9, 2e9), (20.0, 10.0), (float("nan"), float("inf"))])
def test_windows_are_clamped_to_the_recording(longest: bytes, window: tuple[float, float]) -> None:
    first, end, start, stop = emg_core.Layout(longest[:1536], len(longest)).frame_window(*window)
    assert 0 <= first <= end <= 173_370
    assert 1536 <= start <= stop <= len(longest)


def test_other_buffers_than_bytes_are_read_too(longest: bytes) -> None:
    for other in (bytearray(longest), memoryview(longest), np.frombuffer(longest, np.uint8)):
        assert emg_core.open(other).metadata == emg_core.open(longest).metadata
