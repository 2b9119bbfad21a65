"""A folder of recordings and what is known about each: what reading every one of them must come to.

`python -m tests.support.corpus [FOLDER]` (`make corpus`) prints a table per class of its MANIFEST.json and ends with 1
unless all passed; tests/unit/core/test_corpus.py asks the same of every class.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import emg_core
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from tests.support.needs import SHARED

CLASSES = ("ok", "truncated", "error", "ok-contested", "error-or-partial")
# The longest recording takes a tenth of this to read and analyse on one busy core; a reader that hangs takes for ever.
SECONDS = 5.0
# The manifest's own: ours computes in float64, its witnesses in float32 and float64.
TOLERANCE = 1e-6
_REFUSED = (emg_core.C3dError, emg_core.AnalysisError)

Facts = dict[str, Any]


@dataclass(frozen=True)
class File:
    """One recording of the corpus; no facts where nothing is known but that it must not do harm."""

    path: Path
    name: str
    expect: str
    facts: Facts | None


def files(folder: Path) -> list[File]:
    """Return what the manifest lists."""
    listed = json.loads((folder / "MANIFEST.json").read_text())["files"]
    return [File(folder / file["path"], file["path"], file["expect"], file["facts"]) for file in listed]


def problems(file: File) -> list[str]:
    """Return in sentences what is not as it should be: nothing if all is well."""
    started = time.process_time()  # what other programs do meanwhile is none of the reader's
    data = file.path.read_bytes()
    found = _class_problems(file, data) + _use_problems(data)
    seconds = time.process_time() - started
    return found + ([f"took {seconds:.1f} s of CPU, more than {SECONDS} s"] if seconds > SECONDS else [])


def _class_problems(file: File, data: bytes) -> list[str]:
    try:
        recording = emg_core.open(data)
    except emg_core.C3dError as error:
        refusable = file.expect not in {"ok", "truncated"}
        told = bool(error.cause) and error.offset is not None
        return [] if refusable and told else [f"refused without need or place: {error.cause}, byte {error.offset}"]
    if file.expect == "error":
        return ["read, though it must be refused"]
    if file.expect == "error-or-partial" or file.facts is None:
        return []
    return list(_fact_problems(recording, file.facts, contested=file.expect == "ok-contested"))


def _fact_problems(recording: emg_core.Recording, facts: Facts, *, contested: bool) -> Iterator[str]:
    yield from _metadata_problems(recording.metadata, facts)
    channels = recording.channels
    for fact in facts["channels"]:
        yield from _channel_problems(channels[fact["i"]], fact)
    yield from _total_problems([channel.samples for channel in channels], facts["all_channels"])
    if not contested:  # one writer gives an event's seconds alone
        yield from _event_problems(recording.events, facts)


def _metadata_problems(metadata: Facts, facts: Facts) -> Iterator[str]:
    analog, frames = facts["analog"], facts["frames"]
    pairs = {
        "byte order": (metadata["byte_order"], facts["processor"]),
        "storage": (metadata["storage"], facts["data_format"]),
        "frames": (metadata["frames"], frames["available"]),
        "channels": (len(metadata["channels"]), analog["count"]),
        "sample rate": (metadata["sample_rate_hz"] or 0, analog["rate"] if analog["count"] else 0),
        "point rate": (metadata["point_rate_hz"] or 0, facts["point_rate"] or 0),
        "truncated": (_truncated(metadata), _declared(frames, facts)),
    }
    for what, (found, expected) in pairs.items():
        if found != expected and not (what == "sample rate" and not analog["count"]):
            yield f"{what} is {found}, not {expected}"


def _truncated(metadata: Facts) -> tuple[int, int] | None:
    flags = [flag for flag in metadata["flags"] if flag["flag"] == "Truncated"]
    return (flags[0]["declared_frames"], flags[0]["held_frames"]) if flags else None


def _declared(frames: Facts, facts: Facts) -> tuple[int, int] | None:
    """Return declared and held frames where fewer are held; frames of no bytes are never missing."""
    sized = facts["header"]["points"] or facts["analog"]["count"]
    declared, held = frames["declared"], frames["available"]
    return (declared, held) if sized and held < declared else None


def _channel_problems(channel: emg_core.Channel, fact: Facts) -> Iterator[str]:
    if fact["label"] and channel.name != readable(fact["label"]):
        yield f"channel {fact['i']} is called {channel.name!r}, not {fact['label']!r}"
    if (channel.unit or "") != readable(fact["unit"] or ""):
        yield f"channel {fact['i']} has the unit {channel.unit!r}, not {fact['unit']!r}"
    samples = channel.samples
    if len(samples) != fact["n"]:
        yield f"channel {fact['i']} has {len(samples)} samples, not {fact['n']}"
    elif len(samples) and not _same_samples(samples, fact):
        yield f"channel {fact['i']} has other values"


def _same_samples(samples: NDArray[np.float64], fact: Facts) -> bool:
    finite = samples[np.isfinite(samples)]
    if fact["min"] is None:
        return len(finite) == 0
    largest = max(abs(fact["min"]), abs(fact["max"]))
    pairs = [(samples[fact["mid"]["index"]], fact["mid"]["value"])]
    pairs += [*zip(samples[:3], fact["first"], strict=True), *zip(samples[-3:], fact["last"], strict=True)]
    pairs += [(finite.min(), fact["min"]), (finite.max(), fact["max"])]
    same = all(abs(found - expected) <= TOLERANCE * largest for found, expected in pairs)
    summed = abs(finite.sum() - fact["sum"]) <= TOLERANCE * fact["sum_abs"]
    return bool(same and summed and len(samples) - len(finite) == fact["nonfinite"])


def _total_problems(channels: list[NDArray[np.float64]], totals: Facts) -> Iterator[str]:
    total = sum(float(samples[np.isfinite(samples)].sum()) for samples in channels)
    if abs(total - totals["total_sum"]) > TOLERANCE * totals["total_sum_abs"]:
        yield f"all channels sum up to {total}, not {totals['total_sum']}"


def _event_problems(events: list[Facts], facts: Facts) -> Iterator[str]:
    expected = [(float(event["t"]), readable(event["label"]).rstrip(), "") for event in facts["header_events"] or []]
    if (group := facts["events"]) and group["n"]:
        expected += _group_events(group)
    found = [(event["time_s"], event["label"].rstrip(), event["context"] or "") for event in events]
    if found != expected:
        yield f"events are {found}, not {expected}"


def _group_events(group: Facts) -> Iterator[tuple[float, str, str]]:
    minutes, seconds = group["times"][0::2], group["times"][1::2]
    times = [60 * m + s for m, s in zip(minutes, seconds, strict=True)]
    return zip(times, map(readable, group["labels"]), map(readable, group["contexts"]), strict=True)


def readable(label: str) -> str:
    """Undo what the facts do to labels in UTF-8: they show them as Latin-1."""
    try:
        return label.encode("latin-1").decode()
    except UnicodeDecodeError:
        return label


def _use_problems(data: bytes) -> list[str]:
    """Use a recording as every program does: whatever it holds, nothing but the two clean errors may come of it."""
    try:
        recording = emg_core.open(data)
        problems = _part_problems(recording, data)
        recording.analyze_json()
    except emg_core.AnalysisError:
        return problems
    except emg_core.C3dError:
        return []
    return problems


def _part_problems(recording: emg_core.Recording, data: bytes) -> list[str]:
    """A prefix tells the same metadata as the whole; a window's bytes hold the samples the whole has there."""
    layout = layout_in_steps(data)
    if layout.metadata != recording.metadata:
        return ["a prefix tells other metadata than the whole"]
    duration_s = recording.metadata["duration_s"] or 0.0
    first, end, start_byte, end_byte = layout.frame_window(duration_s / 3, duration_s / 2)
    frames = data[start_byte:end_byte]
    pairs = [(layout.samples(frames, i), c.samples[first:end]) for i, c in enumerate(recording.channels[:16])]
    same = all(np.array_equal(part, whole, equal_nan=True) for part, whole in pairs)
    return [] if same else ["a window tells other samples than the whole"]


def layout_in_steps(data: bytes) -> emg_core.Layout:
    """Read 4 KiB and then just what is asked for."""
    held = 4096
    while True:
        try:
            return emg_core.Layout(data[:held], len(data))
        except emg_core.NeedMoreBytes as error:
            if error.needed <= held:
                raise
            held = error.needed


def print_table(folder: Path) -> bool:
    """Print what passed, class by class; return whether all did."""
    listed = files(folder)
    console = Console(stderr=True)
    watched = track(listed, "reading", console=console, disable=not console.is_terminal)
    found = {file.name: problems(file) for file in watched}
    sys.stdout.write(f"{'class':<18}{'files':>6}{'passed':>8}{'%':>7}\n")
    for name in (*CLASSES, "all"):
        results = [found[file.name] for file in listed if name in {file.expect, "all"}]
        passed = results.count([])
        sys.stdout.write(f"{name:<18}{len(results):>6}{passed:>8}{100 * passed / max(1, len(results)):>7.1f}\n")
    for name, sentences in found.items():
        sys.stdout.writelines(f"{name}: {sentence}\n" for sentence in sentences)
    return not any(found.values())


if __name__ == "__main__":
    sys.exit(0 if print_table(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "data/c3d") else 1)
