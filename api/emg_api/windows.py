"""Windows: which samples of which channels, at what resolution, a query asks for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec

from emg_api.excerpts import Excerpt
from emg_api.layouts import KnownRecording
from emg_api.refusals import BadQuery
from emg_api.requests import PLAIN_PATTERN, OfProfile
from emg_session.database import StoredSession

MOST_CHANNELS = 32
# Each is a minimum and a maximum: 13 MB of JSON.
MOST_POINTS = 600_000
# Ten minutes of two channels at 990 Hz: their filters need all samples at once.
MOST_CONDITIONED_SAMPLES = 1_200_000
_MOST_SECONDS = 24 * 60 * 60
_ROUNDING = 1e-6  # of a sample: 0.1 s at 990 Hz is 99 samples, whatever the last bit says

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=_MOST_SECONDS)]
_Width = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
_Signals = Annotated[str, msgspec.Meta(pattern="^(raw|envelope|rms)(,(raw|envelope|rms))*$")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=PLAIN_PATTERN)]


class Signal(StrEnum):
    """What is shown of a channel: its samples, their smoothed amplitude, their moving RMS."""

    RAW = "raw"
    ENVELOPE = "envelope"
    RMS = "rms"


class WindowQuery(OfProfile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds start ≤ t < end at a screen's width in pixels.

    Without an end up to the recording's; without a width every sample.
    """

    width: _Width | None = None
    start: _Seconds = 0.0
    end: _Seconds = float(_MOST_SECONDS)
    signals: _Signals = "raw"


class WindowsQuery(WindowQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same of several channels: `channel` is repeated for each; without it, of all."""

    channel: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=MOST_CHANNELS)] = ()


@dataclass(frozen=True, kw_only=True)
class Window:
    """Samples of some channels, and how many pixels show them."""

    session: StoredSession
    recording: KnownRecording
    channels: tuple[int, ...]
    signals: tuple[Signal, ...]
    first_sample: int
    count: int
    pixels: int

    @property
    def start_s(self) -> float:
        """The time of the first sample."""
        return self.first_sample / self.recording.rate_hz

    @property
    def end_s(self) -> float:
        """The time of the first sample after the window."""
        return (self.first_sample + self.count) / self.recording.rate_hz

    @property
    def is_conditioned(self) -> bool:
        """Whether any signal has to be filtered first."""
        return any(signal is not Signal.RAW for signal in self.signals)

    @property
    def fits_at_once(self) -> bool:
        """Whether so many samples may be in memory together."""
        return len(self.channels) * self.count <= MOST_CONDITIONED_SAMPLES

    def excerpt(self, context_s: float = 0.0) -> Excerpt:
        """Return what has to be read: the samples, and as many seconds on both sides as filters need to settle."""
        context = math.ceil(context_s * self.recording.rate_hz)
        first = max(self.first_sample - context, 0)
        end = min(self.first_sample + self.count + context, self.recording.samples_per_channel)
        return Excerpt(session=self.session, recording=self.recording, first_sample=first, count=end - first)


def window_of(query: WindowQuery, session: StoredSession, recording: KnownRecording, channels: Sequence[int]) -> Window:
    """Return the window a query asks for; raises BadQuery for one that holds no sample or too much."""
    first, end = sample_range(query, recording.rate_hz, recording.samples_per_channel)
    asked = set(query.signals.split(","))
    window = Window(
        session=session,
        recording=recording,
        channels=tuple(dict.fromkeys(channels)),
        signals=tuple(signal for signal in Signal if signal in asked),
        first_sample=first,
        count=end - first,
        pixels=min(query.width or end - first, end - first),
    )
    _check_size(window)
    return window


def sample_range(query: WindowQuery, rate_hz: float, count: int) -> tuple[int, int]:
    """Return the window as samples, end excluded; raises BadQuery for one that holds none."""
    first = math.ceil(query.start * rate_hz - _ROUNDING)
    end = min(math.ceil(query.end * rate_hz - _ROUNDING), count)
    if first >= end:
        raise BadQuery(
            f"no sample lies in start ≤ t < end: the recording has {rate_hz:g} a second up to {count / rate_hz:.3f} s"
        )
    return first, end


def _check_size(window: Window) -> None:
    channels, signals = len(window.channels), len(window.signals)
    if channels > MOST_CHANNELS:
        raise BadQuery(f"these are {channels} channels, and {MOST_CHANNELS} can be had at once: name them by `channel`")
    points = channels * signals * window.pixels
    if points > MOST_POINTS:
        raise BadQuery(
            f"these are {points} points, and {MOST_POINTS} can be had at once: ask for a smaller width or less time"
        )
    if window.is_conditioned and not window.fits_at_once:
        most_s = MOST_CONDITIONED_SAMPLES / channels / window.recording.rate_hz
        raise BadQuery(f"envelope and rms of so many channels can be had for {most_s:.0f} s at once: ask for less time")
