"""Samples of a recording, read and decoded piece by piece within a budget of memory."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread
from numpy.typing import NDArray

from emg_api.budget import ByteBudget
from emg_api.layouts import KnownRecording
from emg_session.database import StoredSession
from emg_session.recordings import RecordingStore

Samples = NDArray[np.float64]
T = TypeVar("T")

PIECE_BYTES = 2 * 1024 * 1024
# A piece's bytes, their copy out of object storage's hands, and 16-bit samples of a lone channel as float64.
_BYTES_FOR_EACH_READ = 6


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The samples of all channels from `first_sample` on, `count` of each."""

    session: StoredSession
    recording: KnownRecording
    first_sample: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Whole frames: bytes of the recording, and the number of their first sample."""

    first_sample: int
    start_byte: int
    end_byte: int


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some frames of an excerpt as they were read."""

    excerpt: Excerpt
    frames: Frames
    data: bytes

    def decoded(self, channel: int) -> tuple[int, Samples]:
        """Return which of the excerpt's samples these begin with, and them: float64, shape (n,)."""
        excerpt, frames = self.excerpt, self.frames
        samples = excerpt.recording.layout.samples(self.data, channel)
        lead = max(excerpt.first_sample - frames.first_sample, 0)
        first = frames.first_sample + lead - excerpt.first_sample
        return first, samples[lead : lead + excerpt.count - first]


def frames_of(excerpt: Excerpt, most_bytes: int) -> Iterator[Frames]:
    """Return the frames that cover an excerpt, in pieces of at most so many bytes, but at least a frame."""
    recording = excerpt.recording
    start_s, end_s = (
        sample / recording.rate_hz for sample in (excerpt.first_sample, excerpt.first_sample + excerpt.count)
    )
    first_sample, end_sample, start_byte, end_byte = recording.layout.frame_window(start_s, end_s)
    samples_per_frame = recording.samples_per_channel // recording.metadata["frames"]
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

    async def pieces(self, excerpt: Excerpt) -> AsyncIterator[Piece]:
        """Yield an excerpt piece by piece."""
        session = excerpt.session
        for frames in frames_of(excerpt, self.piece_bytes):
            stored = await self.recordings.read_range(
                session.file_path, frames.start_byte, frames.end_byte, session.object_version
            )
            yield Piece(excerpt=excerpt, frames=frames, data=stored.data)

    async def samples(self, excerpt: Excerpt, channels: Sequence[int]) -> NDArray[np.float64]:
        """Return whole channels of an excerpt, shape (channels, n)."""
        samples = np.empty((len(channels), excerpt.count))

        def place(piece: Piece) -> None:
            for row, channel in zip(samples, channels, strict=True):
                first, part = piece.decoded(channel)
                row[first : first + len(part)] = part

        async for piece in self.pieces(excerpt):
            await self.compute(partial(place, piece))
        return samples

    async def compute(self, work: Callable[[], T]) -> T:
        """Do what takes the processor's time in a thread: the event loop has others to serve."""
        return await to_thread.run_sync(work, limiter=self.limiter)

    def cost(self, excerpt: Excerpt) -> int:
        """Return how many bytes reading an excerpt takes at most at any one time."""
        pieces = frames_of(excerpt, self.piece_bytes)
        return _BYTES_FOR_EACH_READ * max(piece.end_byte - piece.start_byte for piece in pieces)
