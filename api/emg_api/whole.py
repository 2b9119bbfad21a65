"""A whole channel, as the earlier system served it: pure functions from samples to the answer's chunks."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Annotated

import emg_core
import msgspec
import numpy as np
from numpy.typing import NDArray

from emg_api.layouts import KnownRecording
from emg_api.numbers import json_chunks
from emg_api.refusals import BadQuery
from emg_api.responses import encode
from emg_api.window_answers import Numbers

Samples = NDArray[np.float64]

RMS_WINDOW_MS = 50
# Ten minutes at 990 Hz: 37 MB of JSON. The window form takes recordings of any length.
MOST_WHOLE_SAMPLES = 600_000
# Samples, their moving RMS, the magnitudes to choose from, the times.
WHOLE_BYTES_PER_SAMPLE = 4 * 8
# Stands for an array until its chunks are there: no JSON text has this byte.
_LATER = msgspec.Raw(b"\0")


class WholeQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole channel, as the earlier system served it."""

    include_rms: bool = True
    downsample_factor: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


class WholeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in the channel's unit; rate and duration are the recording's, downsampled or not."""

    success: bool = True
    channel_name: str
    data: Numbers
    time_axis: Numbers
    rms_envelope: Numbers | None
    sampling_rate: float
    duration_seconds: float
    generated_at: datetime
    cache_note: str


def whole_chunks(name: str, samples: Samples, rate_hz: float, query: WholeQuery, now: datetime) -> Iterator[bytes]:
    """Return the answer with the whole channel, some thousand numbers at a time.

    Downsampling keeps, of every `downsample_factor` samples, the one of largest magnitude at its own time: peaks
    survive, which they do not where every n-th sample is taken. The envelope is computed before that.
    """
    kept = largest_of_each(samples, query.downsample_factor)
    arrays = [json_chunks(samples[kept]), json_chunks(kept / rate_hz)]
    if query.include_rms:
        arrays.append(json_chunks(emg_core.moving_rms(samples, rate_hz, RMS_WINDOW_MS)[kept]))
    answer = WholeAnswer(
        channel_name=name,
        data=_LATER,
        time_axis=_LATER,
        rms_envelope=_LATER if query.include_rms else None,
        sampling_rate=rate_hz,
        duration_seconds=len(samples) / rate_hz,
        generated_at=now,
        cache_note="computed from the recording for this request; revalidate with its ETag",
    )
    first, *rest = encode(answer).split(bytes(_LATER))
    yield first
    for array, text in zip(arrays, rest, strict=True):
        yield from chain(array, [text])


def check_whole(recording: KnownRecording) -> None:
    """Raise BadQuery for channels of more samples than are served as a whole, CorruptRecording for none."""
    count = recording.samples_per_channel
    if recording.rate_hz and count > MOST_WHOLE_SAMPLES:
        raise BadQuery(
            f"the channel has {count} samples, and a whole one is served up to {MOST_WHOLE_SAMPLES}: "
            "ask for a window, with width and, if you like, start and end"
        )


def largest_of_each(samples: Samples, factor: int) -> NDArray[np.intp]:
    """Return the index of the largest finite magnitude of every `factor` samples; the last group may be shorter."""
    if factor == 1:
        return np.arange(len(samples))
    whole = len(samples) // factor * factor
    magnitudes = np.where(np.isfinite(samples), np.abs(samples), -1.0)
    groups = magnitudes[:whole].reshape(-1, factor)
    kept: NDArray[np.intp] = np.arange(0, whole, factor) + groups.argmax(axis=1)
    if whole == len(samples):
        return kept
    return np.append(kept, whole + magnitudes[whole:].argmax())
