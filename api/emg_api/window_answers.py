"""A window's pixels and marks, and what is sent of them: JSON, an Arrow stream, or bare numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from emg_api.arrow import Column, arrow_stream
from emg_api.bands import pixel_times
from emg_api.marks import ContractionSpan, FaultSpan, Span
from emg_api.negotiation import MediaType
from emg_api.numbers import json_array
from emg_api.responses import encode
from emg_api.windows import Signal, Window

Pixels = NDArray[np.float32]
Numbers = Annotated[
    msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "array", "items": {"type": ["number", "null"]}})
]

WINDOW_MEDIA = (MediaType.JSON, MediaType.ARROW, MediaType.FLOAT32)


class Extremes(msgspec.Struct, frozen=True, kw_only=True):
    """One minimum and maximum per pixel: float32, null where there is no number."""

    minimum: Numbers
    maximum: Numbers


class ChannelWindow(msgspec.Struct, frozen=True, kw_only=True):
    """What a window shows of a channel: its samples' extremes, where asked for, with envelope and rms.

    `faults` are the analysis's, empty before it: the longest. Samples of all but a Saturated one are left out of the
    pixels, as `gaps` tell; what is saturated is drawn, being at least as large as shown. Faults that are not listed
    count as well, and envelope and rms are of what lies between all; unless `faults_known` is false: before the
    analysis, after one by an earlier core, and for raw samples of more than can be in memory at once.
    """

    channel_name: str
    unit: str | None
    minimum: Numbers | None
    maximum: Numbers | None
    envelope: Extremes | None
    rms: Extremes | None
    gaps: list[Span]
    contractions: list[ContractionSpan]
    faults: list[FaultSpan]
    faults_known: bool


class WindowAnswer(ChannelWindow, frozen=True, kw_only=True):
    """A window of one channel; pixel i begins at `time_axis[i]`. `profile` names how envelope and rms are made."""

    success: bool = True
    sampling_rate: float
    duration_seconds: float
    start_seconds: float
    end_seconds: float
    samples_per_pixel: float
    profile: str
    time_axis: Numbers


class WindowsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same window of several channels."""

    success: bool = True
    sampling_rate: float
    duration_seconds: float
    start_seconds: float
    end_seconds: float
    samples_per_pixel: float
    profile: str
    time_axis: Numbers
    channels: list[ChannelWindow]


@dataclass(frozen=True, kw_only=True)
class DrawnChannel:
    """A channel's pixels by signal, in `unit`, with what is marked beside them."""

    name: str
    unit: str | None
    pixels: Mapping[Signal, tuple[Pixels, Pixels]]
    gaps: Sequence[Span]
    contractions: Sequence[ContractionSpan]
    faults: Sequence[FaultSpan]
    faults_known: bool


@dataclass(frozen=True, kw_only=True)
class DrawnWindow:
    """A window with the pixels of its channels."""

    window: Window
    profile: str
    channels: Sequence[DrawnChannel]

    def facts(self) -> dict[str, Any]:
        """Return what is the same for all channels."""
        window, recording = self.window, self.window.recording
        return {
            "sampling_rate": recording.rate_hz,
            "duration_seconds": recording.duration_s,
            "start_seconds": window.start_s,
            "end_seconds": window.end_s,
            "samples_per_pixel": window.count / window.pixels,
            "profile": self.profile,
        }

    def times_s(self) -> NDArray[np.float64]:
        """Return when each pixel begins."""
        window = self.window
        return pixel_times(window.first_sample, window.count, window.pixels, window.recording.rate_hz)


def one_channel(drawn: DrawnWindow) -> bytes:
    """Encode a window of one channel as JSON."""
    (channel,) = (msgspec.structs.asdict(_channel(channel)) for channel in drawn.channels)
    return encode(WindowAnswer(**drawn.facts(), **channel, time_axis=json_array(drawn.times_s())))


def several_channels(drawn: DrawnWindow) -> bytes:
    """Encode a window of any number of channels as JSON."""
    channels = [_channel(channel) for channel in drawn.channels]
    return encode(WindowsAnswer(**drawn.facts(), channels=channels, time_axis=json_array(drawn.times_s())))


def arrow_table(drawn: DrawnWindow) -> bytes:
    """Encode as an Arrow stream: `time_s`, then two columns for each channel and signal; NaN where there is no number.

    The schema's metadata hold the rest as JSON under `window`; a field's its channel, signal and unit.
    """
    columns = [Column("time_s", drawn.times_s(), {"unit": "s"})]
    for channel in drawn.channels:
        for signal, extremes in channel.pixels.items():
            told = {"channel": channel.name, "signal": signal, "unit": channel.unit or ""}
            for extreme, values in zip(("minimum", "maximum"), extremes, strict=True):
                columns.append(Column(f"{channel.name} {signal} {extreme}", values, told))
    marks = [_marks(channel) for channel in drawn.channels]
    return arrow_stream(columns, {"window": encode({**drawn.facts(), "channels": marks}).decode()})


def bare_numbers(drawn: DrawnWindow) -> bytes:
    """Return float32, least byte first: for each channel and signal all minima, then all maxima."""
    pixels = (pixels for channel in drawn.channels for pixels in channel.pixels.values())
    return b"".join(values.astype("<f4").tobytes() for extremes in pixels for values in extremes)


def encoder(media_type: MediaType, *, several: bool) -> Callable[[DrawnWindow], bytes]:
    """Return what encodes a window as one of WINDOW_MEDIA."""
    json = several_channels if several else one_channel
    return {MediaType.JSON: json, MediaType.ARROW: arrow_table, MediaType.FLOAT32: bare_numbers}[media_type]


def _channel(channel: DrawnChannel) -> ChannelWindow:
    shown = {signal: _extremes(*pixels) for signal, pixels in channel.pixels.items()}
    raw = shown.get(Signal.RAW)
    return ChannelWindow(
        channel_name=channel.name,
        unit=channel.unit,
        minimum=raw.minimum if raw else None,
        maximum=raw.maximum if raw else None,
        envelope=shown.get(Signal.ENVELOPE),
        rms=shown.get(Signal.RMS),
        gaps=list(channel.gaps),
        contractions=list(channel.contractions),
        faults=list(channel.faults),
        faults_known=channel.faults_known,
    )


def _extremes(minimum: Pixels, maximum: Pixels) -> Extremes:
    return Extremes(minimum=json_array(minimum), maximum=json_array(maximum))


def _marks(channel: DrawnChannel) -> dict[str, Any]:
    return {
        "channel_name": channel.name,
        "unit": channel.unit,
        "gaps": channel.gaps,
        "contractions": channel.contractions,
        "faults": channel.faults,
        "faults_known": channel.faults_known,
    }
