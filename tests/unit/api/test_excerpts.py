from dataclasses import replace
from itertools import pairwise

import emg_core
import numpy as np
import pytest
from anyio import CapacityLimiter
from hypothesis import given
from hypothesis import strategies as st

from emg_api.bands import Band
from emg_api.budget import ByteBudget
from emg_api.excerpts import Excerpt, ExcerptReader
from emg_api.layouts import KnownRecording
from emg_session.database import StoredSession
from emg_session.resource import session_id
from tests.support.memory import CREATED_AT

FRAME_BYTES = 30 * 4 * 4 + 4 * 4


@pytest.fixture
async def whole(recordings, bucket) -> Excerpt:
    """All of the recording of P001."""
    stored = await recordings.read((bucket / "P001" / "one.c3d").as_uri())
    layout = emg_core.Layout(stored.data, stored.size_bytes)
    session = StoredSession(
        id=session_id("emg-a"),
        session_code="emg-a",
        file_path=(bucket / "P001" / "one.c3d").as_uri(),
        object_version=stored.version,
        file_size_bytes=stored.size_bytes,
        subject=None,
        profile=None,
        game_metadata=None,
        created_at=CREATED_AT,
        analytics_summary=None,
    )
    recordings.reads.clear()
    recording = KnownRecording(layout=layout, metadata=layout.metadata)
    return Excerpt(session=session, recording=recording, first_sample=0, count=recording.samples_per_channel)


def reader(recordings, piece_bytes: int) -> ExcerptReader:
    return ExcerptReader(
        recordings=recordings, budget=ByteBudget(2**20), limiter=CapacityLimiter(1), piece_bytes=piece_bytes
    )


@pytest.mark.parametrize("piece_bytes", [1, FRAME_BYTES * 7 - 1, 10**9])
@pytest.mark.parametrize("window", [(0, 19800), (1, 1), (29, 2), (990, 60), (991, 12345), (19799, 1)])
async def test_pieces_put_together_are_the_samples(recordings, whole, recording_file, piece_bytes, window):
    first, count = window
    excerpt = replace(whole, first_sample=first, count=count)

    reading = reader(recordings, piece_bytes)
    pieces = [piece.decoded(1) async for piece in reading.pieces(excerpt)]

    together = np.concatenate([samples for _, samples in pieces])
    np.testing.assert_array_equal(together, emg_core.open(recording_file)["CH2"].samples[first : first + count])
    np.testing.assert_array_equal(await reading.samples(excerpt, [1]), [together])
    assert [start for start, _ in pieces] == np.cumsum([0] + [len(samples) for _, samples in pieces])[:-1].tolist()


async def test_no_read_is_larger_than_a_piece(recordings, whole):
    reading = reader(recordings, 10 * FRAME_BYTES)

    assert [len(piece.decoded(1)[1]) async for piece in reading.pieces(whole)] == [300] * 66
    assert {end - start for start, end in recordings.reads} == {10 * FRAME_BYTES}
    assert reading.cost(whole) == 6 * 10 * FRAME_BYTES


@given(
    st.lists(st.just(np.nan) | st.floats(-1, 1), min_size=1, max_size=60),
    st.integers(1, 80),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_a_band_folded_from_pieces_is_the_cores(values, width, cuts):
    samples = np.array(values)
    band = Band(len(samples), width)
    edges = sorted({0, len(samples), *(cut for cut in cuts if cut < len(samples))})

    for first, end in pairwise(edges):
        band.add(first, samples[first:end])

    minimum, maximum = emg_core.min_max(samples, width)
    np.testing.assert_array_equal(band.minimum, minimum)
    np.testing.assert_array_equal(band.maximum, maximum)


@given(
    st.lists(st.just(np.nan) | st.floats(-1, 1), min_size=2, max_size=60),
    st.integers(1, 80),
    st.integers(1, 59),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), max_size=3),
)
def test_gaps_are_the_same_in_pieces_as_at_once(values, width, cut, gaps):
    samples, cut = np.array(values), min(cut, len(values) - 1)
    silent = [slice(start, end) for start, end in gaps]
    whole, pieces = Band(len(samples), width, silent), Band(len(samples), width, silent)

    whole.add(0, samples)
    pieces.add(0, samples[:cut])
    pieces.add(cut, samples[cut:])

    np.testing.assert_array_equal(whole.minimum, pieces.minimum)
    np.testing.assert_array_equal(whole.maximum, pieces.maximum)
    np.testing.assert_array_equal(samples, values)
