"""`emg plot`: envelopes in a terminal, with contractions and faults below them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import emg_core
import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from emg_api.amplitudes import Method
from emg_api.windows import Signal
from emg_cli.asked import Asked
from emg_cli.batch import read_and_analyse
from emg_session.resource import DEFAULT_PROFILE

_BARS = " ▁▂▃▄▅▆▇█"
_ROWS = 6
_STEPS_S, _APART = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600), 10
_GOOD, _NOT_GOOD, _FAULT, _NOTHING = "━", "╍", "x", " "
_STYLES = {_GOOD: "green", _NOT_GOOD: "yellow", _FAULT: "red"}
_LEGEND = f"{_GOOD} good contraction   {_NOT_GOOD} other contraction   {_FAULT} fault"


def plot(source: str, *, profile: str = DEFAULT_PROFILE) -> None:
    """Draw a recording's envelopes in the terminal, with contractions and faults below them.

    Parameters
    ----------
    source
        A C3D file, or a URI in a bucket of EMG_BUCKETS.
    profile
        One of `emg profiles`: how envelopes and contractions are made.
    """
    data, summary_json = read_and_analyse(source, Asked.parse(profile))
    console = Console(highlight=False)
    for picture in pictures(data, msgspec.json.decode(summary_json)):
        for line in picture.lines(console.width):
            console.print(line, no_wrap=True, crop=True)
    console.print(_LEGEND)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A muscle's envelope in volts, shape (n,); contractions and faults as half-open ranges of samples."""

    muscle: str
    envelope: NDArray[np.float64]
    rate_hz: float
    good: Sequence[tuple[int, int]]
    not_good: Sequence[tuple[int, int]]
    faults: Sequence[tuple[int, int]]

    def lines(self, width: int) -> Iterator[Text]:
        """Yield the picture's lines, no wider than `width`."""
        seconds, largest = len(self.envelope) / self.rate_hz, _largest(self.envelope)
        yield Text(f"{self.muscle}: {seconds:.1f} s, up to {1e6 * largest:.0f} µV", "bold")
        yield from (Text(row) for row in bars(self.envelope, width))
        yield _styled(marks(self, width))
        yield Text(axis(seconds, min(width, len(self.envelope))), "dim")


def pictures(data: bytes, summary: Mapping[str, Any]) -> Iterator[Picture]:
    """Yield a picture of each muscle that was analysed."""
    recording = emg_core.open(data)
    method = Method(profile=summary["profile"]["name"], options=summary["profile"]["options"])
    for muscle in summary["muscles"]:
        if muscle["skipped"]:
            continue
        channel = recording[muscle["raw_channel"]]
        rate_hz = float(channel.sample_rate_hz or 0)
        # All of them: a summary lists the longest.
        faults = [(start, end) for _, start, end in emg_core.faults(channel.samples, rate_hz)]
        yield Picture(
            muscle=muscle["name"],
            envelope=method.amplitudes(channel.samples, rate_hz, faults)[Signal.ENVELOPE],
            rate_hz=rate_hz,
            good=_ranges(one for one in muscle["contractions"] if one["is_good"]),
            not_good=_ranges(one for one in muscle["contractions"] if not one["is_good"]),
            faults=faults,
        )


def bars(envelope: NDArray[np.float64], width: int) -> list[str]:
    """Return the largest value of each column as `_ROWS` lines of eighths; nothing where there is no number."""
    heights = np.nan_to_num(emg_core.min_max(envelope, width)[1]) / (_largest(envelope) or 1.0)
    eighths = np.rint(np.clip(heights, 0.0, 1.0) * 8 * _ROWS).astype(int)
    rows = (np.clip(eighths - 8 * row, 0, 8) for row in reversed(range(_ROWS)))
    return ["".join(_BARS[eighth] for eighth in row).rstrip() for row in rows]


def marks(picture: Picture, width: int) -> str:
    """Return a line that marks contractions and faults; a fault hides what lies below it."""
    count = len(picture.envelope)
    columns = min(width, count)
    line = [_NOTHING] * columns
    for ranges, mark in ((picture.not_good, _NOT_GOOD), (picture.good, _GOOD), (picture.faults, _FAULT)):
        for start, end in ranges:
            first, last = start * columns // count, (end - 1) * columns // count
            line[first : last + 1] = mark * (last + 1 - first)
    return "".join(line).rstrip()


def axis(seconds: float, columns: int) -> str:
    """Return a line of whole seconds, each below its column, at most one every ten columns."""
    step = next((step for step in _STEPS_S if step * columns >= _APART * seconds), seconds)
    line = ""
    for number in range(int(seconds / step) + 1):
        told, place = f"{number * step:g}", int(number * step * columns / seconds)
        if place + len(f"{told} s") <= columns:
            line = line.ljust(place) + told
    return f"{line} s"


def _largest(envelope: NDArray[np.float64]) -> float:
    numbers = envelope[np.isfinite(envelope)]
    return float(numbers.max()) if len(numbers) else 0.0


def _ranges(found: Any) -> list[tuple[int, int]]:  # noqa: ANN401 - parts of a summary
    return [(one["start_sample"], one["end_sample"]) for one in found]


def _styled(line: str) -> Text:
    text = Text()
    for mark, run in groupby(line):
        text.append("".join(run), _STYLES.get(mark))
    return text
