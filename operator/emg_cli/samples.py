"""`emg signal`: samples of one channel, reading no more of the recording than they take."""

import asyncio
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import emg_core
import numpy as np
from cyclopts import Parameter
from cyclopts.validators import Number
from numpy.typing import NDArray

from emg_cli.opening import OpenRecording, open_recording
from emg_cli.output import print_json
from emg_session.errors import CorruptRecording, InvalidSettings

Samples = NDArray[np.float64]
_Seconds = Annotated[float, Parameter(validator=Number(gte=0))]
_Pixels = Annotated[int, Parameter(validator=Number(gte=1))]


def signal(
    source: str,
    *,
    channel: str,
    start: _Seconds = 0.0,
    end: _Seconds | None = None,
    width: _Pixels | None = None,
    format: Literal["json", "csv"] = "json",  # noqa: A002 - the option's name
) -> None:
    """Print samples of a channel, all or a window, at full or screen resolution.

    Parameters
    ----------
    source
        A C3D file, or a URI in a bucket of EMG_BUCKETS.
    channel
        Its name in any case; CH1 finds `CH1 Raw`.
    start
        First second.
    end
        Second to stop before; the recording's end if absent.
    width
        Pixels: print minimum and maximum of each instead of every sample.
    format
        json or csv.
    """
    excerpt = asyncio.run(read_excerpt(open_recording(source), channel, start, end))
    columns = pixels(excerpt, width) if width else every_sample(excerpt)
    if format == "csv":
        np.savetxt(
            sys.stdout, np.column_stack(list(columns.values())), "%.9g", ",", header=",".join(columns), comments=""
        )
    else:
        print_json(excerpt.facts() | {name: column.tolist() for name, column in columns.items()})


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Samples of one channel from `first_sample` on: float64, shape (n,), in `unit`; None is assumed to be volts."""

    channel: str
    unit: str | None
    sample_rate_hz: float
    first_sample: int
    samples: Samples

    def facts(self) -> dict[str, Any]:
        """Return what the numbers are."""
        end_sample = self.first_sample + len(self.samples)
        return {
            "channel": self.channel,
            "unit": self.unit,
            "sample_rate_hz": self.sample_rate_hz,
            "start_s": self.first_sample / self.sample_rate_hz,
            "end_s": end_sample / self.sample_rate_hz,
        }


async def read_excerpt(recording: OpenRecording, channel: str, start_s: float, end_s: float | None) -> Excerpt:
    """Read the frames that cover a window and cut out its samples; raises InvalidSettings for what is not there."""
    layout, version = await recording.layout()
    index = _channel_index(layout, channel)
    facts = layout.metadata
    rate_hz = facts["sample_rate_hz"]
    if not rate_hz:
        raise CorruptRecording("the recording does not say how many samples a second has: no time can be told")
    window = _sample_range(start_s, end_s, rate_hz, facts["samples_per_channel"])
    frames_first, _, start_byte, end_byte = layout.frame_window(window.start / rate_hz, window.stop / rate_hz)
    decoded = layout.samples(await recording.read_frames(start_byte, end_byte, version), index)
    return Excerpt(
        channel=facts["channels"][index]["name"],
        unit=facts["channels"][index]["unit"],
        sample_rate_hz=rate_hz,
        first_sample=window.start,
        samples=decoded[window.start - frames_first : window.stop - frames_first],
    )


def every_sample(excerpt: Excerpt) -> dict[str, Samples]:
    """Return time and value of each sample."""
    numbers = excerpt.first_sample + np.arange(len(excerpt.samples))
    return {"time_s": numbers / excerpt.sample_rate_hz, "value": excerpt.samples}


def pixels(excerpt: Excerpt, width: int) -> dict[str, Samples]:
    """Return start, minimum and maximum of each pixel: every sample is in exactly one, so no peak is lost."""
    minimum, maximum = emg_core.min_max(excerpt.samples, width)
    starts = excerpt.first_sample + np.arange(len(minimum)) * len(excerpt.samples) // len(minimum)
    return {"time_s": starts / excerpt.sample_rate_hz, "minimum": minimum, "maximum": maximum}


def _channel_index(layout: emg_core.Layout, channel: str) -> int:
    try:
        return layout.channel_index(channel)
    except KeyError as error:
        names = ", ".join(c["name"] for c in layout.metadata["channels"])
        raise InvalidSettings(f"no channel {channel!r}: the recording has {names}") from error


def _sample_range(start_s: float, end_s: float | None, rate_hz: float, count: int) -> range:
    first = round(start_s * rate_hz)
    end = count if end_s is None else min(round(end_s * rate_hz), count)
    if first >= end:
        raise InvalidSettings(f"no sample in this window: the recording ends at {count / rate_hz:.3f} s")
    return range(first, end)
