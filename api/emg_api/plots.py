"""What a channel looks like, as a whole or in a window: pure functions from samples to answers."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import emg_core
import msgspec
import numpy as np
from numpy.typing import NDArray

from emg_api.refusals import BadQuery

Samples = NDArray[np.float64]

RMS_WINDOW_MS = 50
# Five minutes at 990 Hz: 17 MB of JSON. The window form takes recordings of any length.
MOST_WHOLE_SAMPLES = 600_000
# Samples, their moving RMS, the magnitudes to choose from; and three numbers as text, while they are put together.
WHOLE_BYTES_PER_SAMPLE = 3 * 8 + 2 * 3 * 20
_CHUNK = 8192
_TIME_DECIMALS = 4
_MOST_SECONDS = 24 * 60 * 60
_ROUNDING = 1e-6  # of a sample: 0.1 s at 990 Hz is 99 samples, whatever the last bit says

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=_MOST_SECONDS)]


class WholeQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole channel, as the earlier system served it."""

    include_rms: bool = True
    downsample_factor: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


class WindowQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds start ≤ t < end at a screen's width in pixels; without an end, up to the recording's."""

    width: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    start: _Seconds = 0.0
    end: _Seconds = float(_MOST_SECONDS)


class WholeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in the channel's unit; rate and duration are the recording's, downsampled or not."""

    success: bool = True
    channel_name: str
    data: msgspec.Raw
    time_axis: msgspec.Raw
    rms_envelope: msgspec.Raw | None
    sampling_rate: float
    duration_seconds: float
    generated_at: datetime
    cache_note: str


class ContractionSpan(msgspec.Struct, frozen=True, kw_only=True):
    """When a muscle contracted, and whether all set criteria were met."""

    start_seconds: float
    end_seconds: float
    is_good: bool | None


class FaultSpan(msgspec.Struct, frozen=True, kw_only=True):
    """When a channel must not be trusted, and why."""

    kind: str
    start_seconds: float
    end_seconds: float


class WindowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One minimum and maximum per pixel (float32, null where nothing was recorded) from `time_axis[i]` on.

    `faults` are the analysis's, empty before it: the longest. Samples of all but a Saturated one are left out of the
    pixels; what is saturated is drawn, being at least as large as shown.
    """

    success: bool = True
    channel_name: str
    unit: str | None
    sampling_rate: float
    duration_seconds: float
    start_seconds: float
    end_seconds: float
    samples_per_pixel: float
    time_axis: msgspec.Raw
    minimum: msgspec.Raw
    maximum: msgspec.Raw
    contractions: list[ContractionSpan]
    faults: list[FaultSpan]


def whole_answer(name: str, samples: Samples, rate_hz: float, query: WholeQuery, now: datetime) -> WholeAnswer:
    """Answer with the whole channel.

    Downsampling keeps, of every `downsample_factor` samples, the one of largest magnitude at its own time: peaks
    survive, which they do not where every n-th sample is taken. The envelope is computed before that.
    """
    kept = largest_of_each(samples, query.downsample_factor)
    rms = emg_core.moving_rms(samples, rate_hz, RMS_WINDOW_MS) if query.include_rms else None
    return WholeAnswer(
        channel_name=name,
        data=encoded(samples[kept]),
        time_axis=encoded(kept / rate_hz),
        rms_envelope=None if rms is None else encoded(rms[kept]),
        sampling_rate=rate_hz,
        duration_seconds=len(samples) / rate_hz,
        generated_at=now,
        cache_note="computed from the recording for this request; revalidate with its ETag",
    )


def check_whole(count: int) -> None:
    """Raise BadQuery for a channel of more samples than are served as a whole."""
    if count > MOST_WHOLE_SAMPLES:
        raise BadQuery(
            f"the channel has {count} samples, and a whole one is served up to {MOST_WHOLE_SAMPLES}: "
            "ask for a window, with width and, if you like, start and end"
        )


def largest_of_each(samples: Samples, factor: int) -> NDArray[np.intp]:
    """Return the index of the largest finite magnitude of every `factor` samples; the last group may be shorter."""
    whole = len(samples) // factor * factor
    magnitudes = np.where(np.isfinite(samples), np.abs(samples), -1.0)
    groups = magnitudes[:whole].reshape(-1, factor)
    kept: NDArray[np.intp] = np.arange(0, whole, factor) + groups.argmax(axis=1)
    if whole == len(samples):
        return kept
    return np.append(kept, whole + magnitudes[whole:].argmax())


def sample_range(query: WindowQuery, rate_hz: float, count: int) -> tuple[int, int]:
    """Return the window as samples, end excluded; raises BadQuery for one that holds none."""
    first = math.ceil(query.start * rate_hz - _ROUNDING)
    end = min(math.ceil(query.end * rate_hz - _ROUNDING), count)
    if first >= end:
        raise BadQuery(
            f"no sample lies in start ≤ t < end: the recording has {rate_hz:g} a second up to {count / rate_hz:.3f} s"
        )
    return first, end


class Band:
    """Minimum and maximum of each of min(width, count) pixels, folded from samples that come in pieces.

    Pixel p of w holds the samples from ⌊p·count/w⌋ to ⌊(p+1)·count/w⌋, as emg_core.min_max has it: every sample is in
    exactly one, so no peak is lost. A pixel without any number is not a number.
    """

    def __init__(self, count: int, width: int, gaps: Sequence[slice] = ()) -> None:
        pixels = min(width, count)
        self._gaps = gaps
        self._edges = np.arange(pixels + 1) * count // pixels
        self.minimum, self.maximum = np.full(pixels, np.nan), np.full(pixels, np.nan)

    def add(self, first: int, samples: Samples) -> None:
        """Fold in samples, shape (n,), the first of which is number `first`; what lies in a gap is left out."""
        samples = np.where(np.isfinite(samples), samples, np.nan)
        for gap in self._gaps:
            samples[max(gap.start - first, 0) : max(gap.stop - first, 0)] = np.nan
        low = np.searchsorted(self._edges, first, side="right") - 1
        high = np.searchsorted(self._edges, first + len(samples), side="left")
        starts = np.maximum(self._edges[low:high], first) - first
        for extremes, extreme in ((self.minimum, np.fmin), (self.maximum, np.fmax)):
            extremes[low:high] = extreme(extremes[low:high], extreme.reduceat(samples, starts))

    def scaled(self, scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return minimum and maximum times a factor, shape (pixels,)."""
        return (self.minimum * scale).astype(np.float32), (self.maximum * scale).astype(np.float32)


def pixel_times(first_sample: int, count: int, width: int, rate_hz: float) -> NDArray[np.float64]:
    """Return the time of each pixel's first sample in seconds, to a tenth of a millisecond."""
    pixels = min(width, count)
    starts = first_sample + np.arange(pixels) * count // pixels
    return np.round(starts / rate_hz, _TIME_DECIMALS)


def spans(contractions: Sequence[Mapping[str, Any]], start_s: float, end_s: float) -> list[ContractionSpan]:
    """Return the contractions that touch the window."""
    every = (
        ContractionSpan(start_seconds=c["start_ms"] / 1000, end_seconds=c["end_ms"] / 1000, is_good=c["is_good"])
        for c in contractions
    )
    return [span for span in every if span.start_seconds < end_s and span.end_seconds > start_s]


def fault_spans(faults: Sequence[Mapping[str, Any]], start_s: float, end_s: float) -> list[FaultSpan]:
    """Return the faults that touch the window."""
    touching = (fault for fault in faults if fault["start_s"] < end_s and fault["end_s"] > start_s)
    return [FaultSpan(kind=f["kind"], start_seconds=f["start_s"], end_seconds=f["end_s"]) for f in touching]


def gaps(faults: Sequence[Mapping[str, Any]], first_sample: int, count: int) -> list[slice]:
    """Return which of the `count` samples from `first_sample` on carry no signal."""
    silent = (fault for fault in faults if fault["kind"] != "Saturated")
    places = ((fault["start_sample"] - first_sample, fault["end_sample"] - first_sample) for fault in silent)
    return [slice(max(start, 0), end) for start, end in places if start < count and end > 0]


def encoded(values: NDArray[np.float64] | NDArray[np.float32]) -> msgspec.Raw:
    """Encode as a JSON array, some thousand numbers at a time: pieces of that size stay in the processor's cache."""
    chunks = (emg_core.json_numbers(values[start : start + _CHUNK]) for start in range(0, len(values), _CHUNK))
    return msgspec.Raw(b"[" + b",".join(chunks) + b"]")
