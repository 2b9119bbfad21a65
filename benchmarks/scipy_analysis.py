"""The same analysis by numpy and SciPy, in batches: the witness for speed."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

Array = NDArray[np.float64]
RATE = 990.0
WINDOW, STEP, SEGMENT = 990, 495, 256
FREQUENCY = np.arange(SEGMENT // 2 + 1) * RATE / SEGMENT
HANN = signal.get_window("hann", SEGMENT)
HIGH_PASS = signal.butter(4, 20, "highpass", fs=RATE, output="sos")
LOW_PASS = signal.butter(4, 10, "lowpass", fs=RATE, output="sos")


def decode(recording: bytes) -> Array:
    """Return four channels, shape (4, n), of a GHOSTLY recording: 30 samples of 4 channels after one point."""
    frames = np.frombuffer(recording, "<f4", offset=1536)
    frames = frames[: len(frames) // 124 * 124].reshape(-1, 124)[:, 4:]
    return np.ascontiguousarray(frames.reshape(-1, 4).T, dtype=np.float64)


def convolved(samples: Array, window: int) -> Array:
    return np.convolve(samples, np.ones(window) / window, "same")


def filtered(samples: Array, window: int) -> Array:
    return np.asarray(ndimage.uniform_filter1d(samples, window, mode="constant"))


def spectral(power: Array) -> tuple[Array, Array, Array]:
    total = power.sum(axis=-1)
    cumulative = np.cumsum(power, axis=-1)
    median = FREQUENCY[np.argmax(cumulative >= 0.5 * total[..., None], axis=-1)]
    index = (power[..., 1:] / FREQUENCY[1:]).sum(axis=-1) / (power * FREQUENCY**5).sum(axis=-1)
    return power @ FREQUENCY / total, median, index


def spreads(metrics: Iterable[Array]) -> list[tuple[float, ...]]:
    return [(m.mean(), m.std(ddof=1), m.min(), m.max(), m.std(ddof=1) / m.mean()) for m in metrics]


def spans(timing: Array) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(timing > 0.05 * timing.max(), prepend=False, append=False))
    merged: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start < 99:
            continue
        if merged and start - merged[-1][1] <= 198:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


@dataclass(frozen=True)
class Formulation:
    """One way to write it: which moving average, and which Fourier transform."""

    average: Callable[[Array, int], Array]
    rfft: Callable[[Array], NDArray[np.complex128]]

    def envelope(self, raw: Array) -> Array:
        """Smooth the amplitude: zero-phase filters, then a moving average."""
        low = signal.sosfiltfilt(LOW_PASS, np.abs(signal.sosfiltfilt(HIGH_PASS, raw)))
        return self.average(low, 49)

    def powers(self, segments: Array) -> Array:
        """Return one-sided power of segments, shape (…, 256) to (…, 129)."""
        spectra = self.rfft((segments - segments.mean(axis=-1, keepdims=True)) * HANN)
        power = spectra.real**2 + spectra.imag**2
        power[..., 1:-1] *= 2
        return power

    def unfiltered(self, raw: Array) -> list[Any]:
        """Return spectra and amplitude of the whole and of windows of one second."""
        whole = self.powers(sliding_window_view(raw, SEGMENT)[::128]).sum(axis=0)
        windows = sliding_window_view(raw, WINDOW)[::STEP]
        inside = sliding_window_view(windows, SEGMENT, axis=1)[:, ::128]
        # Blocks of 32 windows stay in cache: quicker than all at once.
        blocks = [self.powers(inside[at : at + 32]).sum(axis=1) for at in range(0, len(inside), 32)]
        rms, mav = np.sqrt(np.mean(windows**2, axis=1)), np.mean(np.abs(windows), axis=1)
        return [spectral(whole), spreads([rms, mav, *spectral(np.concatenate(blocks))]), np.sqrt(np.mean(raw**2))]

    def muscle(self, raw: Array, activated: Array) -> list[Any]:
        """Return all there is to know about one muscle."""
        smooth = self.envelope(raw)
        reference = np.quantile(smooth, 0.95)
        found = [np.abs(smooth[start : end + 1]) for start, end in spans(self.average(np.abs(activated), 100))]
        return [*self.unfiltered(raw), reference, [(part.mean(), part.max()) for part in found]]

    def analysis(self, recording: bytes) -> list[Any]:
        """Analyse a whole recording on one thread, its hash included."""
        channels = decode(recording)
        digest = hashlib.sha256(recording).hexdigest()
        return [digest, *map(self.muscle, channels[:2], channels[2:])]

    def analysis_on(self, pool: ThreadPoolExecutor, recording: bytes) -> list[Any]:
        """Do the same on two threads."""
        digest = pool.submit(hashlib.sha256, recording)
        channels = decode(recording)
        return [digest.result().hexdigest(), *pool.map(self.muscle, channels[:2], channels[2:])]


PLAIN = Formulation(convolved, np.fft.rfft)
QUICK = Formulation(filtered, fft.rfft)
