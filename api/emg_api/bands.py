"""Signals at a screen's resolution: one minimum and one maximum for each pixel."""

from collections.abc import Sequence

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
        pixels = min(width, count)
        self._gaps = gaps
        self._edges = np.arange(pixels + 1) * count // pixels
        self.minimum, self.maximum = np.full(pixels, np.nan), np.full(pixels, np.nan)

    def add(self, first: int, samples: Samples) -> None:
        """Fold in samples, shape (n,), the first of which is number `first`; what lies in a gap is left out."""
        if not len(samples):
            return
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
