"""Faults of every kind, put into a made-up channel at known places: what `emg synth --faults` adds.

Each looks as in real recordings: a fill of the converter's lowest value for whole frames; a signal at the rail, which
jitters; a channel that stands still at its offset; samples that are no number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Kind = Literal["Dropout", "Saturated", "Flat", "NonFinite"]

OF_EACH_KIND = 2
_FILL_VOLTS = -5.500083789229393e-3
_FRAME_SAMPLES = 30
_RAIL_VOLTS, _RAIL_JITTER = 5.485e-3, 5e-4  # the jitter is a share of the rail
_STANDSTILL_VOLTS = -5e-6
_SHORTEST_FLAT_SAMPLES = 99  # 100 ms


@dataclass(frozen=True, kw_only=True)
class TrueFault:
    """One fault as it was put into a channel: half-open, in samples."""

    channel: str
    kind: Kind
    start_sample: int
    end_sample: int


def plant(random: np.random.Generator, channel: str, samples: Samples) -> tuple[Samples, tuple[TrueFault, ...]]:
    """Return the channel with two faults of each kind, one in each of eight equal slots, and the truth about them."""
    every = OF_EACH_KIND * list(_MAKERS)
    kinds = [every[place] for place in random.permutation(len(every))]
    edges = np.linspace(0, len(samples), len(kinds) + 1).astype(int)
    faulty, truth = samples.copy(), []
    for kind, (slot_start, slot_end) in zip(kinds, pairwise(edges), strict=True):
        slot_samples = int(slot_end - slot_start)
        fault = _MAKERS[kind](random, slot_samples // 2)
        # A quarter of the slot stays free on both sides: faults never touch.
        start = int(slot_start + slot_samples // 4 + random.integers(0, slot_samples // 2 - len(fault) + 1))
        faulty[start : start + len(fault)] = fault
        truth.append(TrueFault(channel=channel, kind=kind, start_sample=start, end_sample=start + len(fault)))
    return faulty, tuple(truth)


def _fill(random: np.random.Generator, most_samples: int) -> Samples:
    frames = random.integers(1, min(18, most_samples // _FRAME_SAMPLES) + 1)
    return np.full(frames * _FRAME_SAMPLES, _FILL_VOLTS)


def _beyond_the_rail(random: np.random.Generator, most_samples: int) -> Samples:
    """Change sides as a strong signal does, after some samples."""
    count = random.integers(3, min(200, most_samples) + 1)
    sides = np.sign(np.sin(np.arange(count) * 2 * np.pi / random.integers(8, 20) + 0.1))
    side_volts: Samples = sides * _RAIL_VOLTS * (1 - _RAIL_JITTER * random.random(count))
    return side_volts


def _standstill(random: np.random.Generator, most_samples: int) -> Samples:
    return np.full(random.integers(_SHORTEST_FLAT_SAMPLES, most_samples + 1), _STANDSTILL_VOLTS)


def _no_number(random: np.random.Generator, most_samples: int) -> Samples:
    count = random.integers(1, min(50, most_samples) + 1)
    return np.full(count, random.choice([np.nan, np.inf, -np.inf]))


_MAKERS: dict[Kind, Callable[[np.random.Generator, int], Samples]] = {
    "Dropout": _fill,
    "Saturated": _beyond_the_rail,
    "Flat": _standstill,
    "NonFinite": _no_number,
}
