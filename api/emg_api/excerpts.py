"""Some samples of one channel, read in pieces of whole frames: memory does not grow with the window."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

import emg_core
import numpy as np
from anyio import CapacityLimiter, to_thread
from numpy.typing import NDArray

from emg_api.budget import ByteBudget
from emg_api.channels import unit_of
from emg_session.database import StoredSession
from emg_session.recordings import RecordingStore

Samples = NDArray[np.float64]

PIECE_BYTES = 2 * 1024 * 1024
# A piece's bytes, their copy out of object storage's hands, and 16-bit samples of a lone channel as float64.
_BYTES_FOR_EACH_READ = 6


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Samples of one channel: `count` of them from `first_sample` on."""

    session: StoredSession
    layout: emg_core.Layout
    channel: int
    rate_hz: float
    first_sample: int
    count: int

    @property
    def name(self) -> str:
        """The channel's name in the recording."""
        return str(self.layout.metadata["channels"][self.channel]["name"])

    @property
    def unit(self) -> str | None:
        """The unit of the samples."""
        return unit_of(self.layout.metadata["channels"][self.channel])

    @property
    def duration_s(self) -> float:
        """The whole recording's duration."""
        return float(self.layout.metadata["duration_s"])


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Whole frames: bytes of the recording, and the number of their first sample."""

    first_sample: int
    start_byte: int
    end_byte: int


def frames_of(excerpt: Excerpt, most_bytes: int) -> Iterator[Frames]:
    """Return the frames that cover an excerpt, in pieces of at most so many bytes, but at least a frame."""
    start_s, end_s = (
        sample / excerpt.rate_hz for sample in (excerpt.first_sample, excerpt.first_sample + excerpt.count)
    )
    first_sample, end_sample, start_byte, end_byte = excerpt.layout.frame_window(start_s, end_s)
    metadata = excerpt.layout.metadata
    samples_per_frame = metadata["samples_per_channel"] // metadata["frames"]
    frame_bytes = (end_byte - start_byte) * samples_per_frame // (end_sample - first_sample)
    step_bytes = max(most_bytes // frame_bytes, 1) * frame_bytes
    for start in range(start_byte, end_byte, step_bytes):
        number = (start - start_byte) // frame_bytes * samples_per_frame
        yield Frames(first_sample=first_sample + number, start_byte=start, end_byte=min(start + step_bytes, end_byte))


@dataclass(frozen=True, kw_only=True)
class ExcerptReader:
    """Reads and decodes; `budget` bounds the bytes under way, `limiter` the threads that compute."""

    recordings: RecordingStore
    budget: ByteBudget
    limiter: CapacityLimiter
    piece_bytes: int = PIECE_BYTES

    async def pieces(self, excerpt: Excerpt) -> AsyncIterator[tuple[int, Samples]]:
        """Yield samples piece by piece: float64, shape (n,), and where in the excerpt the first of them is."""
        session = excerpt.session
        for frames in frames_of(excerpt, self.piece_bytes):
            stored = await self.recordings.read_range(
                session.file_path, frames.start_byte, frames.end_byte, session.object_version
            )
            decode = partial(excerpt.layout.samples, stored.data, excerpt.channel)
            decoded = await to_thread.run_sync(decode, limiter=self.limiter)
            lead = max(excerpt.first_sample - frames.first_sample, 0)
            first = frames.first_sample + lead - excerpt.first_sample
            if len(samples := decoded[lead : lead + excerpt.count - first]):
                yield first, samples

    def cost(self, excerpt: Excerpt) -> int:
        """Return how many bytes reading an excerpt takes at most at any one time."""
        pieces = frames_of(excerpt, self.piece_bytes)
        return _BYTES_FOR_EACH_READ * max(piece.end_byte - piece.start_byte for piece in pieces)
