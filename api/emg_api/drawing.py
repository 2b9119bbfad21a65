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
from emg_api.known_faults import CONTEXT_S, KnownFaults
from emg_api.marks import Fault, contraction_spans, contractions_of, fault_spans, faults_of, gap_spans, silent_samples
from emg_api.negotiation import Coding
from emg_api.packing import Packed, pack
from emg_api.window_answers import DrawnChannel, DrawnWindow
from emg_api.windows import Signal, Window

Bands = dict[Signal, Band]
# A channel's bands, and the gaps in them.
Shown = tuple[Bands, list[slice]]

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
        method, at_once = Method.of(window.session), needs_all_samples(window)
        excerpt = window.excerpt(context_s(window, method) if at_once else 0.0)
        async with self.reader.budget.lent(self.reader.cost(excerpt) + memory_bytes(window, excerpt, at_once=at_once)):
            if at_once:
                shown = await self._at_once(window, excerpt, method)
            else:
                shown = await self._folded(window, excerpt)
            return await self.reader.compute(
                lambda: pack(encode(drawn(window, method, shown, at_once=at_once)), coding)
            )

    async def _folded(self, window: Window, excerpt: Excerpt) -> list[Shown]:
        listed = (faults_of(window.session, _name(window, channel)) for channel in window.channels)
        gaps = [silent_samples(faults, window.first_sample, window.count) for faults in listed]
        bands = [Band(window.count, window.pixels, of_channel) for of_channel in gaps]

        def fold(piece: Piece) -> None:
            for channel, band in zip(window.channels, bands, strict=True):
                band.add(*piece.decoded(channel))

        async for piece in self.reader.pieces(excerpt):
            await self.reader.compute(partial(fold, piece))
        return [({Signal.RAW: band}, of_channel) for band, of_channel in zip(bands, gaps, strict=True)]

    async def _at_once(self, window: Window, excerpt: Excerpt, method: Method) -> list[Shown]:
        samples = await self.reader.samples(excerpt, window.channels)
        return [
            await self.reader.compute(partial(shown_at_once, window, excerpt, method, channel, row))
            for channel, row in zip(window.channels, samples, strict=True)
        ]


def needs_all_samples(window: Window) -> bool:
    """Whether a window's samples are needed together: to filter them, or to find the faults that are not listed."""
    known = (KnownFaults.of(window.session, _name(window, channel)) for channel in window.channels)
    return window.is_conditioned or (window.fits_at_once and any(one.rails_volts for one in known))


def context_s(window: Window, method: Method) -> float:
    """Return how many seconds of neighbours the window's samples need on each side."""
    return max(method.context_s, CONTEXT_S) if window.is_conditioned else CONTEXT_S


def memory_bytes(window: Window, excerpt: Excerpt, *, at_once: bool) -> int:
    """Return how many bytes drawing takes beside what is read."""
    points = len(window.channels) * len(window.signals) * window.pixels
    signals = len(window.channels) + _SIGNALS_WHILE_FILTERING if at_once else 0
    return _BYTES_PER_POINT * points + _BYTES_PER_SAMPLE * signals * excerpt.count


def shown_at_once(
    window: Window, excerpt: Excerpt, method: Method, channel: int, samples: NDArray[np.float64]
) -> Shown:
    """Compute what is asked for of a channel from its samples in the excerpt, shape (n,); raises as `amplitudes`."""
    lead = window.first_sample - excerpt.first_sample
    faults = KnownFaults.of(window.session, _name(window, channel)).within(excerpt, channel, samples)
    signals: dict[Signal, NDArray[np.float64]] = {}
    if window.is_conditioned:
        segments = segments_left_out(excerpt, channel, samples, faults)
        signals = method.amplitudes(samples, window.recording.rate_hz, segments)
    gaps = silent_samples(faults, window.first_sample, window.count)
    bands = {signal: Band(window.count, window.pixels, gaps) for signal in window.signals}
    for signal, band in bands.items():
        band.add(0, signals.get(signal, samples)[lead : lead + window.count])
    return bands, gaps


def segments_left_out(
    excerpt: Excerpt, channel: int, samples: NDArray[np.float64], faults: Sequence[Fault]
) -> list[Segment]:
    """Return what of an excerpt must not be filtered: the analysis's faults, before it those the samples show.

    Whether a value is the rail cannot be told from a part of the recording, so saturation is the analysis's alone.
    """
    first = excerpt.first_sample
    if excerpt.session.analytics_summary is None:
        at_rest = excerpt.recording.channel(channel)["role"] == "activated"
        found = emg_core.faults(samples, excerpt.recording.rate_hz, rests_at_zero=at_rest)
        return [(start, end) for kind, start, end in found if kind != "Saturated"]
    places = (
        (max(fault["start_sample"] - first, 0), min(fault["end_sample"] - first, excerpt.count)) for fault in faults
    )
    return [(start, end) for start, end in places if start < end]


def drawn(window: Window, method: Method, shown: Sequence[Shown], *, at_once: bool) -> DrawnWindow:
    """Put the pixels of all channels and the marks beside them together."""
    channels = [
        _drawn_channel(window, channel, *of, at_once=at_once)
        for channel, of in zip(window.channels, shown, strict=True)
    ]
    return DrawnWindow(window=window, profile=method.profile, channels=channels)


def _drawn_channel(window: Window, channel: int, bands: Bands, gaps: list[slice], *, at_once: bool) -> DrawnChannel:
    described, session = window.recording.channel(channel), window.session
    name = _name(window, channel)
    known = KnownFaults.of(session, name)
    scale, unit = display_scale(unit_of(described))
    return DrawnChannel(
        name=name,
        unit=unit,
        pixels={signal: band.scaled(scale) for signal, band in bands.items()},
        gaps=gap_spans(gaps, window.first_sample, window.recording.rate_hz),
        contractions=contraction_spans(contractions_of(session, name), window.start_s, window.end_s),
        faults=fault_spans(known.listed, window.start_s, window.end_s),
        faults_known=known.are_all and (at_once or known.rails_volts is None),
    )


def _name(window: Window, channel: int) -> str:
    return str(window.recording.channel(channel)["name"])
