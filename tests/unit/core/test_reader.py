"""Reading recordings against facts about 120 files, and against ezc3d."""

import json
from pathlib import Path
from typing import Any

import emg_core
import ezc3d
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.needs import shared_data

File = dict[str, Any]


@pytest.fixture(scope="module")
def files() -> list[File]:
    return list(json.loads((shared_data("c3d") / "MANIFEST.json").read_text())["files"])


@pytest.fixture(scope="module")
def intel(files: list[File]) -> list[File]:
    return [file for file in files if file["facts"] and file["facts"]["processor"] == "intel"]


def path_of(file: File) -> Path:
    return shared_data("c3d") / str(file["path"])


def readable(label: str) -> str:
    """Undo what the facts do to labels in UTF-8: they show them as Latin-1."""
    try:
        return label.encode("latin-1").decode()
    except UnicodeDecodeError:
        return label


def outcome(file: File) -> str:
    """Return what reading and analysing comes to: "ok" or the cause of a clean error."""
    try:
        emg_core.open(path_of(file)).analyze()
    except (emg_core.C3dError, emg_core.AnalysisError) as error:
        return error.cause
    return "ok"


def test_every_file_gives_a_result_or_a_clean_error(files: list[File]) -> None:
    assert len([outcome(file) for file in files]) == 120


def test_only_faulty_intel_files_are_refused(intel: list[File]) -> None:
    refused = [file for file in intel if outcome(file) not in {"ok", "TooShort", "NoEmgChannel"}]
    assert all(file["expect"].startswith("error") for file in refused)


def test_layouts_are_those_of_the_facts(intel: list[File]) -> None:
    for file in intel:
        facts, metadata = file["facts"], emg_core.open(path_of(file)).metadata
        analog = facts["analog"]
        assert metadata["frames"] == facts["frames"]["available"], file["path"]
        assert metadata["storage"] == facts["data_format"]
        assert len(metadata["channels"]) == analog["count"]
        assert not analog["count"] or (metadata["sample_rate_hz"] or 0) == analog["rate"]


def test_labels_and_units_are_those_of_the_facts(intel: list[File]) -> None:
    for file in intel:
        channels = emg_core.open(path_of(file)).channels
        for fact in file["facts"]["channels"]:
            channel = channels[fact["i"]]
            assert (channel.unit or "") == readable(fact["unit"] or "")
            assert not fact["label"] or channel.name == readable(fact["label"])


def test_samples_are_those_of_the_facts(intel: list[File]) -> None:
    for file in intel:
        channels = emg_core.open(path_of(file)).channels
        for fact in file["facts"]["channels"]:
            assert_samples(channels[fact["i"]].samples, fact)


def assert_samples(samples: NDArray[np.float64], fact: dict[str, Any]) -> None:
    assert len(samples) == fact["n"]
    if fact["nonfinite"] or not fact["n"]:
        return
    within = 1e-6 * max(abs(fact["min"]), abs(fact["max"]))
    assert samples[:3] == pytest.approx(fact["first"], rel=0, abs=within)
    assert samples[-3:] == pytest.approx(fact["last"], rel=0, abs=within)
    assert samples.sum() == pytest.approx(fact["sum"], rel=0, abs=1e-6 * fact["sum_abs"])


def test_every_sample_agrees_with_ezc3d() -> None:
    for path in sorted((shared_data("c3d") / "real/ghostly").glob("*.c3d")):
        theirs = ezc3d.c3d(str(path))["data"]["analogs"][0]
        for channel, samples in zip(emg_core.open(path).channels, theirs, strict=True):
            assert np.array_equal(channel.samples, samples)


def test_a_prefix_that_suffices_tells_what_the_whole_tells(intel: list[File]) -> None:
    for file in intel:
        whole = path_of(file).read_bytes()
        assert probed_in_steps(whole) == emg_core.open(whole).metadata, file["path"]


def probed_in_steps(whole: bytes) -> dict[str, Any]:
    """Read 4 KiB and then just what is asked for, at most twice."""
    held = 4096
    for _ in range(2):
        try:
            return emg_core.probe(whole[:held], len(whole))
        except emg_core.NeedMoreBytes as error:
            held = error.needed
    return emg_core.probe(whole[:held], len(whole))


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
