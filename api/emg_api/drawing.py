"""Windows drawn from the recording's bytes: read in one go where they fit, folded beside the event loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import emg_core
import numpy as np
from numpy.typing import NDArray

from emg_api.amplitudes import Method, Segment
from emg_api.bands import Band
from emg_api.channels import display_scale, unit_of
from emg_api.excerpts import Excerpt, ExcerptReader, Piece
from emg_api.marks import contraction_spans, contractions_of, fault_spans, faults_of, gap_spans, silent_samples
from emg_api.negotiation import Coding
from emg_api.packing import Packed, pack
from emg_api.window_answers import DrawnChannel, DrawnWindow
from emg_api.windows import Signal, Window

Bands = dict[Signal, Band]

# float64 samples of all channels, and what filtering one of them takes beside.
_BYTES_PER_SAMPLE, _SIGNALS_WHILE_FILTERING = 8, 6
# Two extremes as float64 and float32, and as text, while that is put together and packed.
_BYTES_PER_POINT = 2 * (8 + 4 + 3 * 12)


@dataclass(frozen=True, kw_only=True)
class WindowDrawer:
    """Draws and encodes windows within the reader's bounds of memory and threads."""

    reader: ExcerptReader

    async def body(self, window: Window, encode: Callable[[DrawnWindow], bytes], coding: Coding) -> Packed:
        """Return a window as it is sent."""
        method = Method.of(window.session)
        excerpt = window.excerpt(method.context_s if window.is_conditioned else 0.0)
        async with self.reader.budget.lent(self.reader.cost(excerpt) + memory_bytes(window, excerpt)):
            if window.is_conditioned:
                bands = await self._filtered(window, excerpt, method)
            else:
                bands = await self._folded(window, excerpt)
            return await self.reader.compute(lambda: pack(encode(drawn(window, method, bands)), coding))

    async def _folded(self, window: Window, excerpt: Excerpt) -> list[Bands]:
        bands = [{Signal.RAW: empty_band(window, channel)} for channel in window.channels]

        def fold(piece: Piece) -> None:
            for channel, of_channel in zip(window.channels, bands, strict=True):
                of_channel[Signal.RAW].add(*piece.decoded(channel))

        async for piece in self.reader.pieces(excerpt):
            await self.reader.compute(partial(fold, piece))
        return bands

    async def _filtered(self, window: Window, excerpt: Excerpt, method: Method) -> list[Bands]:
        samples = await self.reader.samples(excerpt, window.channels)
        return [
            await self.reader.compute(partial(filtered_bands, window, excerpt, method, channel, row))
            for channel, row in zip(window.channels, samples, strict=True)
        ]


def memory_bytes(window: Window, excerpt: Excerpt) -> int:
    """Return how many bytes drawing takes beside what is read."""
    points = len(window.channels) * len(window.signals) * window.pixels
    signals = len(window.channels) + _SIGNALS_WHILE_FILTERING if window.is_conditioned else 0
    return _BYTES_PER_POINT * points + _BYTES_PER_SAMPLE * signals * excerpt.count


def filtered_bands(
    window: Window, excerpt: Excerpt, method: Method, channel: int, samples: NDArray[np.float64]
) -> Bands:
    """Compute what is asked for of a channel from its samples in the excerpt, shape (n,); raises as `amplitudes`."""
    lead = window.first_sample - excerpt.first_sample
    amplitudes = method.amplitudes(samples, window.recording.rate_hz, faults_within(excerpt, channel, samples))
    bands = {}
    for signal in window.signals:
        values = amplitudes.get(signal, samples)[lead : lead + window.count]
        bands[signal] = empty_band(window, channel)
        bands[signal].add(0, values)
    return bands


def faults_within(excerpt: Excerpt, channel: int, samples: NDArray[np.float64]) -> list[Segment]:
    """Return what of an excerpt must not be filtered: the analysis's faults, before it those the samples show.

    Whether a value is the rail cannot be told from a part of the recording, so saturation is the analysis's alone.
    """
    described, session, first = excerpt.recording.channel(channel), excerpt.session, excerpt.first_sample
    if session.analytics_summary is None:
        at_rest = described["role"] == "activated"
        found = emg_core.faults(samples, excerpt.recording.rate_hz, rests_at_zero=at_rest)
        return [(start, end) for kind, start, end in found if kind != "Saturated"]
    places = (
        (max(fault["start_sample"] - first, 0), min(fault["end_sample"] - first, excerpt.count))
        for fault in faults_of(session, described["name"])
    )
    return [(start, end) for start, end in places if start < end]


def empty_band(window: Window, channel: int) -> Band:
    """Return a band for a channel of the window, with gaps where it carries no signal."""
    return Band(window.count, window.pixels, _silent(window, window.recording.channel(channel)["name"]))


def drawn(window: Window, method: Method, bands: Sequence[Bands]) -> DrawnWindow:
    """Put the pixels of all channels and the marks beside them together."""
    channels = [_drawn_channel(window, *channel) for channel in zip(window.channels, bands, strict=True)]
    return DrawnWindow(window=window, profile=method.profile, channels=channels)


def _drawn_channel(window: Window, channel: int, bands: Bands) -> DrawnChannel:
    described, session = window.recording.channel(channel), window.session
    name = str(described["name"])
    scale, unit = display_scale(unit_of(described))
    return DrawnChannel(
        name=name,
        unit=unit,
        pixels={signal: band.scaled(scale) for signal, band in bands.items()},
        gaps=gap_spans(_silent(window, name), window.first_sample, window.recording.rate_hz),
        contractions=contraction_spans(contractions_of(session, name), window.start_s, window.end_s),
        faults=fault_spans(faults_of(session, name), window.start_s, window.end_s),
    )


def _silent(window: Window, name: str) -> list[slice]:
    return silent_samples(faults_of(window.session, name), window.first_sample, window.count)
