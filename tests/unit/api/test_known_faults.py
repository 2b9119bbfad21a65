"""What is drawn of a channel with more faults than its summary lists is what the analysis computed."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import emg_core
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emg_api.excerpts import Excerpt
from emg_api.known_faults import KnownFaults
from emg_api.layouts import KnownRecording
from emg_cli.plot import pictures
from emg_local.synth import synthesize, write_recording
from emg_session.contract import WorkerContract
from emg_session.database import StoredSession
from emg_worker.work import Worker
from tests.support.needs import shared_data
from tests.support.web import inserted, post

RATE_HZ = 990.0
SATURATED = "c3d/real/ghostly/Ghostly_Emg_20231004_13-18-43-0464.c3d"
# A summary's amplitudes have four digits, so 1000.4 is 1000 there.
ALIKE = 5e-4


@pytest.fixture
async def saturated(web, bucket, sessions, recordings, summaries) -> str:
    """The code of an analysed session whose channels are saturated hundreds of times."""
    (bucket / "P001" / "real.c3d").write_bytes(shared_data(SATURATED).read_bytes())
    code = (await post(web, inserted("P001/real.c3d"))).json()["session_code"]
    await Worker(WorkerContract.of(await sessions.load(code)), recordings, summaries).run()
    recordings.reads.clear()
    return code


async def test_the_envelope_drawn_of_each_contraction_has_the_summarys_maximum(web, saturated):
    summary = (await web.get(f"/sessions/{saturated}/summary")).json()
    assert summary["faults_not_listed"] > 500

    for muscle in summary["muscles"]:
        for told in muscle["contractions"]:
            start, end = told["start_sample"] / RATE_HZ, told["end_sample"] / RATE_HZ
            query = f"{muscle['name']}?start={start}&end={end}&width=500&signals=envelope"
            answer = (await web.get(f"/signals/jit/{saturated}/{query}")).json()
            largest = max(value for value in answer["envelope"]["maximum"] if value is not None)
            assert largest == pytest.approx(1e6 * told["max_amplitude_volts"], rel=ALIKE)
            assert answer["faults_known"]


def test_the_envelope_plotted_has_the_summarys_maxima():
    data = shared_data(SATURATED).read_bytes()
    summary = emg_core.open(data).analyze()

    for picture, muscle in zip(pictures(data, summary), summary["muscles"], strict=True):
        for told in muscle["contractions"]:
            largest = np.nanmax(picture.envelope[told["start_sample"] : told["end_sample"]])
            assert largest == pytest.approx(told["max_amplitude_volts"], rel=ALIKE)


async def test_ten_seconds_of_a_saturated_recording_cost_the_header_and_one_read(web, saturated, recordings):
    for signals in ("raw", "raw,envelope,rms"):
        recordings.reads.clear()
        await web.get(f"/signals/jit/{saturated}/windows?start=40&end=50&width=1000&signals={signals}")
        *_, window = reads = [read for read in recordings.reads if read]
        assert len(reads) <= 2  # the header once
        assert window[1] - window[0] <= 200_000


async def test_without_rails_it_is_said_that_not_all_faults_are_known(web, saturated, summaries):
    (summary,) = summaries.results.values()
    for report in summary["channels"]:
        report.pop("rails", None)

    answer = (await web.get(f"/signals/jit/{saturated}/CH1?start=40&end=50&signals=envelope")).json()

    assert answer["faults_known"] is False


async def test_before_the_analysis_no_fault_is_known(web):
    code = (await post(web, inserted("P001/one.c3d"))).json()["session_code"]
    assert (await web.get(f"/signals/jit/{code}/CH1?width=10")).json()["faults_known"] is False


def session_of(summary: dict[str, Any]) -> StoredSession:
    return StoredSession(
        id=uuid.UUID(int=1),
        session_code="emg-1",
        file_path="file:///one.c3d",
        object_version="1",
        file_size_bytes=None,
        subject=None,
        profile=None,
        game_metadata=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        analytics_summary=summary,
    )


def kinds(faults, first: int, count: int) -> list[str]:
    """Return for each sample whether it is `saturated`, `silent` or neither."""
    told = np.full(count, "", dtype="U9")
    for fault in faults:
        place = slice(max(fault["start_sample"] - first, 0), max(fault["end_sample"] - first, 0))
        told[place] = "saturated" if fault["kind"] == "Saturated" else "silent"
    return told.tolist()


@given(seed=st.integers(0, 2**32 - 1), runs=st.integers(60, 300), first=st.integers(0, 25_000))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_part_shows_the_faults_of_the_whole(tmp_path, seed: int, runs: int, first: int) -> None:
    made, path = synthesize(seed=seed, seconds=30, contractions=5), tmp_path / "one.c3d"
    random, channels = np.random.default_rng(seed), {name: samples.copy() for name, samples in made.channels.items()}
    raw = channels["CH1 Raw"]
    for start in random.integers(0, len(raw) - 60, runs):
        length = random.integers(1, 40)
        raw[start : start + length] = 5.48e-3 + random.integers(0, 5, length) * 1e-6
    for start in random.integers(0, len(raw) - 60, 12):
        raw[start : start + random.integers(10, 40)] = -5.5e-3
    write_recording(replace(made, channels=channels), path)
    data = path.read_bytes()
    whole = emg_core.open(data)
    session = session_of(whole.analyze())
    known = KnownFaults.of(session, "CH1 Raw")
    layout = emg_core.Layout(data, len(data))
    recording = KnownRecording(layout=layout, metadata=layout.metadata)
    excerpt = Excerpt(session=session, recording=recording, first_sample=first, count=4_000)
    samples = whole["CH1 Raw"].samples

    found = known.within(excerpt, layout.channel_index("CH1 Raw"), samples[first : first + 4_000])

    every = emg_core.faults(samples, RATE_HZ)
    expected = [{"kind": kind, "start_sample": start, "end_sample": end} for kind, start, end in every]
    assert known.are_all
    inside = slice(500, 3_500)  # the excerpt's ends are neighbours
    assert kinds(found, first, 4_000)[inside] == kinds(expected, first, 4_000)[inside]
