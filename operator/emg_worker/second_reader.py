"""A recording read again, by ezc3d: `python -m emg_worker.second_reader < RECORDING` prints a Comparison as JSON.

It is a process of its own because ezc3d can crash, or ask for all memory, where a recording is odd: see `cross_check`.
"""

import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import emg_core
import msgspec
import numpy as np
from numpy.typing import NDArray

from emg_worker.cross_check import Comparison, Finding, Verdict

Samples = NDArray[np.float64]

# Of a channel's largest value: ezc3d rounds to float32 on its way, which keeps 6e-8 of a value, or less of a small
# difference between large ones.
TOLERANCE = 1e-6
_MOST_MEMORY_BYTES = 2 << 30
_FRAMES_OF_16_BITS = 65_535
_HALF, _WHOLE = 1 << 15, 1 << 16
# What ezc3d 1.7 is known to raise.
_REFUSALS = (OSError, RuntimeError, ValueError, IndexError, MemoryError)


@dataclass(frozen=True)
class Second:
    """What ezc3d makes of a recording: samples of shape (channels, n), and its parameters."""

    samples: Samples
    parameters: dict[str, Any]

    def numbers(self, group: str, name: str) -> Samples:
        """Return a parameter's values; none if there is no such parameter."""
        found = self.parameters.get(group, {}).get(name, {"value": []})["value"]
        return np.atleast_1d(np.asarray(found, dtype=np.float64))

    def first(self, group: str, name: str) -> float:
        """Return a parameter's first value, else 0."""
        return float(next(iter(self.numbers(group, name)), 0.0))

    @property
    def unsigned(self) -> bool:
        """Whether ANALOG:FORMAT is UNSIGNED."""
        return "UNSIGNED" in self.parameters.get("ANALOG", {}).get("FORMAT", {"value": []})["value"]


def main() -> None:
    """Compare within a bound of memory; what ezc3d itself prints goes nowhere."""
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    os.write(answer, msgspec.json.encode(compare(sys.stdin.buffer.read())))


def compare(data: bytes) -> Comparison:
    """Read the bytes with both; raises C3dError where emg_core can't."""
    recording = emg_core.open(data)
    try:
        second = _read(data)
    except ImportError:
        return Comparison(verdict=Verdict.NOT_INSTALLED)
    except _REFUSALS as error:
        finding = Finding(what="ezc3d can't read it", why=f"it raises {type(error).__name__}")
        return Comparison(verdict=Verdict.NOT_READ, findings=(finding,), words=str(error))
    found = tuple(findings(recording, second, points=_header_points(recording, data)))
    explained = all(finding.why for finding in found)
    verdict = (Verdict.EXPLAINED if explained else Verdict.DIFFERENT) if found else Verdict.EQUAL
    return Comparison(verdict=verdict, findings=found)


def _read(data: bytes) -> Second:
    import ezc3d  # noqa: PLC0415 - 0.2 s, and in no pod

    with tempfile.NamedTemporaryFile(suffix=".c3d") as file:
        Path(file.name).write_bytes(data)
        document = ezc3d.c3d(file.name)
    return Second(samples=document["data"]["analogs"][0], parameters=document["parameters"])


def _header_points(recording: emg_core.Recording, data: bytes) -> int:
    """Return the number of points by which the header lays out frames."""
    return int.from_bytes(data[2:4], "big" if recording.metadata["byte_order"] == "mips" else "little")


def findings(recording: emg_core.Recording, second: Second, *, points: int) -> list[Finding]:
    """Compare counts, then each channel; `points` are those of the header."""
    found = [*_shape_findings(recording, second), *_differences(recording, second)]
    if found and (why := _other_bytes(recording, second, points)):
        return [Finding(what="ezc3d takes other bytes for samples", why=why)]
    return found


def _other_bytes(recording: emg_core.Recording, second: Second, points: int) -> str | None:
    theirs = int(second.first("POINT", "USED"))
    if theirs != points and recording.channels:
        return f"it lays frames out for the {theirs} points of POINT:USED, the header for {points}"
    if any(flag["flag"] == "Unfinished" for flag in recording.metadata["flags"]):
        return "it does not look for the data start or the frames where the header lacks them"
    return None


def _shape_findings(recording: emg_core.Recording, second: Second) -> Iterator[Finding]:
    channels, (their_channels, their_samples) = len(recording.channels), second.samples.shape
    if channels != their_channels:
        dropped = their_channels == 0 and second.first("ANALOG", "RATE") == 0
        why = "ezc3d drops all channels where ANALOG:RATE is missing" if dropped else None
        yield Finding(what=f"ezc3d has {their_channels} channels, not {channels}", why=why)
    samples = recording.metadata["samples_per_channel"]
    if min(channels, their_channels) and samples != their_samples:
        rounded = recording.metadata["frames"] >= _FRAMES_OF_16_BITS and their_samples > samples
        why = "beyond 65,535 frames it reads all that the last block holds" if rounded else None
        yield Finding(what=f"ezc3d has {their_samples} samples per channel, not {samples}", why=why)


def _differences(recording: emg_core.Recording, second: Second) -> Iterator[Finding]:
    """Compare what both have of every channel."""
    for number, (channel, theirs) in enumerate(zip(recording.channels, second.samples, strict=False)):
        length = min(len(theirs), recording.metadata["samples_per_channel"])
        ours, other = channel.samples[:length], theirs[:length]
        different = differing(ours, other)
        if different.any():
            what = f"channel {number} {_extent(ours, other, different)}"
            yield Finding(what=what, why=_why(recording, second, number, ours, other))


def _extent(ours: Samples, theirs: Samples, different: NDArray[np.bool_]) -> str:
    first, share = int(np.argmax(different)), float(np.mean(different))
    by = float(np.nanmax(np.abs(theirs - ours)[different], initial=0.0))
    return (
        f"differs in {share:.1%} of its samples, by {by / _largest(ours):.2g} of its largest, first in sample {first}"
    )


def differing(ours: Samples, theirs: Samples) -> NDArray[np.bool_]:
    """Tell which samples differ by more than the tolerance, or are a number in only one."""
    with np.errstate(invalid="ignore"):
        close = np.abs(theirs - ours) <= TOLERANCE * _largest(ours)
    different: NDArray[np.bool_] = ~(close | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))
    return different


def _largest(samples: Samples) -> float:
    """Return the largest magnitude; the least number above 0 where all are 0."""
    return float(np.max(np.abs(samples[np.isfinite(samples)]), initial=np.finfo(np.float64).tiny))


def _why(recording: emg_core.Recording, second: Second, channel: int, ours: Samples, theirs: Samples) -> str | None:
    """Return the known limit that turns our samples into ezc3d's."""
    metadata = recording.metadata
    if metadata["byte_order"] == "dec" and not differing(ours[ours != 0], theirs[ours != 0]).any():
        return "ezc3d takes zeros with a sign, in VAX floats the reserved operand, for a large number"
    misread = _misread(second, channel, ours, as_signed=metadata["storage"] == "int16")
    if misread is not None and not differing(misread, theirs).any():
        return "ezc3d takes an OFFSET as the absolute value of an int16, and UNSIGNED samples as signed"
    return None


def _misread(second: Second, channel: int, ours: Samples, *, as_signed: bool) -> Samples | None:
    """Compute what our samples come to with ezc3d's understanding of signs."""
    offsets, scales = second.numbers("ANALOG", "OFFSET"), second.numbers("ANALOG", "SCALE")
    if channel >= min(len(offsets), len(scales)):
        return None
    scale = scales[channel] * second.first("ANALOG", "GEN_SCALE")
    if scale == 0:
        return None
    offset = offsets[channel]
    stored = ours / scale + (offset % _WHOLE if second.unsigned else offset)
    if second.unsigned and as_signed:
        stored = np.rint(stored)
        stored = np.where(stored >= _HALF, stored - _WHOLE, stored)
    return np.asarray((stored - abs(offset)) * scale, dtype=np.float64)


if __name__ == "__main__":
    main()
