"""The library as a person uses it: windows, envelopes, the stored numbers, Arrow. Witnesses: ezc3d and NumPy."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import emg_core
import ezc3d
import numpy as np
import pytest
from arro3.core import Table
from hypothesis import given
from hypothesis import strategies as st

from emg_api.windows import WindowQuery, sample_range
from tests.support.needs import shared_data
from tests.support.recordings import synthetic_recording

SECONDS = 20.0
RATE_HZ = 990.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic_recording(tmp_path_factory.mktemp("library"), seconds=SECONDS)


@pytest.fixture(scope="module")
def recording(path: Path) -> emg_core.Recording:
    return emg_core.open(path)


def readable() -> list[Path]:
    """Every recording of the corpus that reads without dispute: three byte orders, integers and floats."""
    corpus = shared_data("c3d")
    facts = json.loads((corpus / "MANIFEST.json").read_text())
    return [corpus / file["path"] for file in facts["files"] if file["expect"] in {"ok", "truncated"}]


def test_a_window_holds_what_ezc3d_reads_there(path: Path, recording: emg_core.Recording) -> None:
    theirs = ezc3d.c3d(str(path))["data"]["analogs"][0]
    for channel, samples in zip(recording.channels, theirs, strict=True):
        assert np.array_equal(channel.window(0.1, 2.5), samples[99:2475])


@given(st.floats(0, SECONDS - 0.1), st.floats(0.01, SECONDS))
def test_a_window_holds_the_samples_the_signals_api_serves(
    recording: emg_core.Recording, start_s: float, length_s: float
) -> None:
    channel = recording["CH1 Raw"]
    samples = channel.samples
    first, end = sample_range(WindowQuery(width=1, start=start_s, end=start_s + length_s), RATE_HZ, len(samples))
    assert np.array_equal(channel.window(start_s, start_s + length_s), samples[first:end])


@pytest.mark.parametrize(("start_s", "end_s"), [(1e9, 2e9), (5.0, 4.0), (-2.0, -1.0), (1.00001, 1.00002)])
def test_a_window_without_samples_is_empty(recording: emg_core.Recording, start_s: float, end_s: float) -> None:
    assert recording["CH1"].window(start_s, end_s).shape == (0,)


def test_a_window_of_everything_is_everything(recording: emg_core.Recording) -> None:
    channel = recording["CH1"]
    assert np.array_equal(channel.window(-np.inf, np.inf), channel.samples)


def test_a_window_of_a_recording_has_every_channel_by_name(recording: emg_core.Recording) -> None:
    window = recording.window(3.0, 4.0)
    assert list(window) == [channel.name for channel in recording.channels]
    for name, samples in window.items():
        assert np.array_equal(samples, recording[name].samples[2970:3960])


def test_the_envelope_of_a_channel_is_that_of_its_samples(recording: emg_core.Recording) -> None:
    channel = recording["CH2 Raw"]
    assert np.array_equal(channel.envelope(), emg_core.envelope(channel.samples, RATE_HZ))
    assert np.array_equal(channel.envelope(), recording.envelope("CH2 Raw"))


def test_the_stored_numbers_are_a_view_that_nobody_can_write_to(path: Path) -> None:
    data = path.read_bytes()
    one, other = (emg_core.open(data)[name].stored for name in ("CH1 Raw", "CH2 Raw"))
    assert one is not None
    assert other is not None
    assert np.shares_memory(one, np.frombuffer(data, np.uint8))
    assert not np.shares_memory(one, other)
    with pytest.raises(ValueError, match="read-only"):
        one[0, 0] = 1


def test_a_path_and_another_buffer_give_the_stored_numbers_too(path: Path) -> None:
    for source in (path, str(path), bytearray(path.read_bytes())):
        channel = emg_core.open(source)["CH1"]
        assert channel.stored is not None
        assert np.array_equal(channel.stored.reshape(-1), channel.samples)


def test_a_pipe_is_read_to_its_end(path: Path, recording: emg_core.Recording, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        written = pool.submit(pipe.write_bytes, path.read_bytes())
        assert emg_core.open(pipe).metadata == recording.metadata
        assert written.result() == path.stat().st_size


def test_the_stored_numbers_outlive_their_recording(path: Path) -> None:
    stored, samples = emg_core.open(path)["CH1"].stored, emg_core.open(path)["CH1"].samples
    assert stored is not None
    assert np.array_equal(stored.reshape(-1), samples)


def test_samples_are_the_stored_numbers_less_the_offset_times_the_scale() -> None:
    kinds = set()
    for path in readable():
        for channel in emg_core.open(path).channels:
            stored, samples = channel.stored, channel.samples
            if stored is not None:
                kinds.add(stored.dtype.str)
                physical = (stored.astype(np.float64) - channel.offset) * channel.scale
                assert np.array_equal(physical.reshape(-1), samples, equal_nan=True), path.name
    assert kinds == {"<i2", "<u2", ">i2", ">u2", "<f4", ">f4"}


def test_windows_are_parts_of_the_whole_in_every_byte_order() -> None:
    for path in readable():
        for channel in emg_core.open(path).channels:
            rate_hz = channel.sample_rate_hz or np.nan
            assert np.array_equal(channel.window(7 / rate_hz, 23 / rate_hz), channel.samples[7:23], equal_nan=True)


def test_numbers_of_dec_floats_are_not_shown_as_stored() -> None:
    channel = emg_core.open(shared_data("c3d") / "real/c3d.org/sample01/Eb015vr.c3d").channels[0]
    assert channel.stored is None
    assert len(channel.samples) > 0


def test_a_table_has_the_time_and_every_channel(recording: emg_core.Recording) -> None:
    table = recording.to_arrow()
    assert table.column_names == ["time_s", *(channel.name for channel in recording.channels)]
    assert np.array_equal(column(table, "time_s"), np.arange(table.num_rows) / RATE_HZ)
    for channel in recording.channels:
        assert np.array_equal(column(table, channel.name), channel.samples)


def test_a_table_tells_rate_and_units(recording: emg_core.Recording) -> None:
    schema = recording.to_arrow(0, 1).schema
    assert schema.metadata == {b"sample_rate_hz": b"990.0"}
    assert schema.field("time_s").metadata == {b"unit": b"s"}
    units = [None if channel.unit is None else channel.unit.encode() for channel in recording.channels]
    assert [schema.field(channel.name).metadata.get(b"unit") for channel in recording.channels] == units


@pytest.mark.parametrize(("bounds", "first", "end"), [((1, 2), 990, 1980), ((19,), 18810, 19800), ((None, 1), 0, 990)])
def test_a_table_of_a_window_keeps_the_time_of_the_recording(
    recording: emg_core.Recording, bounds: tuple[float | None, ...], first: int, end: int
) -> None:
    table = recording.to_arrow(*bounds)
    assert np.array_equal(column(table, "time_s"), np.arange(first, end) / RATE_HZ)
    assert np.array_equal(column(table, "CH1 Raw"), recording["CH1 Raw"].samples[first:end])


def test_a_table_is_read_through_the_capsule_interface(recording: emg_core.Recording) -> None:
    table = recording.to_arrow(1, 2)
    assert Table.from_arrow_pycapsule(table.__arrow_c_stream__()) == table


def test_a_table_without_arro3_says_what_to_install(
    recording: emg_core.Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    with pytest.raises(ImportError, match=r"pip install emg-core\[arrow\]"):
        recording.to_arrow()


def column(table: Table, name: str) -> Any:
    return np.asarray(table.column(name))
