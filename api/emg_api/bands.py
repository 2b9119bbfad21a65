"""Signals at a screen's resolution: one minimum and one maximum for each pixel."""

from collections.abc import Sequence

import emg_core
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

_TIME_DECIMALS = 4


class Band:
    """Minimum and maximum of each of min(width, count) pixels, folded from samples that come in pieces.

    Pixel p of w holds the samples from ⌊p·count/w⌋ to ⌊(p+1)·count/w⌋, as emg_core.min_max has it: every sample is in
    exactly one, so no peak is lost. A pixel without any number is not a number.
    """

    def __init__(self, count: int, width: int, gaps: Sequence[slice] = ()) -> None:
        self._count, self._pixels, self._gaps = count, min(width, count), gaps
        self.minimum, self.maximum = np.full(self._pixels, np.nan), np.full(self._pixels, np.nan)

    def add(self, first: int, samples: Samples) -> None:
        """Fold in samples, shape (n,), the first of which is number `first`; what lies in a gap is left out."""
        samples = self._without_gaps(first, samples)
        if len(samples) == self._count:
            self.minimum, self.maximum = emg_core.min_max(samples, self._pixels)
        elif len(samples):
            self._fold(first, np.where(np.isfinite(samples), samples, np.nan))

    def _without_gaps(self, first: int, samples: Samples) -> Samples:
        """Return the samples, in gaps not a number; a copy where there are any."""
        within = [slice(max(gap.start - first, 0), max(gap.stop - first, 0)) for gap in self._gaps]
        if any(len(samples[gap]) for gap in within):
            samples = samples.copy()
            for gap in within:
                samples[gap] = np.nan
        return samples

    def _fold(self, first: int, samples: Samples) -> None:
        edges = np.arange(self._pixels + 1) * self._count // self._pixels
        low = np.searchsorted(edges, first, side="right") - 1
        high = np.searchsorted(edges, first + len(samples), side="left")
        starts = np.maximum(edges[low:high], first) - first
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
