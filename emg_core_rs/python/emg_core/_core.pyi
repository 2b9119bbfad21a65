import os
from collections.abc import Mapping
from typing import Any, Literal, final

import numpy as np
from arro3.core import Table
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Buffer

__all__ = [
    "Channel",
    "Layout",
    "Recording",
    "__version__",
    "adherence",
    "condition",
    "envelope",
    "faults",
    "json_numbers",
    "min_max",
    "min_max_lttb",
    "moving_rms",
    "open",
    "personal",
    "probe",
    "profiles",
]

__version__: str

@final
class Recording:
    """A whole recording in memory."""

    @property
    def metadata(self) -> dict[str, Any]:
        """The `recording` part of a summary; `sha256` only if it was given to `open`."""
    @property
    def personal(self) -> dict[str, str]:
        """Names and free text that must not go into logs or objects: see `personal`."""
    @property
    def events(self) -> list[dict[str, Any]]:
        """Marked moments, those of the header first: label, context or None, time_s and in_recording_s.

        `time_s` counts from frame 1 of the trial as stored, `in_recording_s` from the first sample here (None without a
        frame rate). Labels are free text, so no summary holds them.
        """
    @property
    def channels(self) -> list[Channel]: ...
    def __getitem__(self, name: str, /) -> Channel:
        """Find a channel by name in any case; `CH1` finds `CH1 Raw`. Raises KeyError, which lists the names."""
    def analyze(self, profile: str = "standard-1", options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Compute the summary, `emg-summary/1`. `options` override those of the profile. Raises AnalysisError."""
    def analyze_json(self, profile: str = "standard-1", options: Mapping[str, Any] | None = None) -> bytes:
        """Compute the summary as canonical JSON: the same bytes on every machine, with any number of threads."""
    def envelope(self, channel: str) -> NDArray[np.float64]:
        """Return `recording[channel].envelope()`."""
    def window(self, start_s: float, end_s: float) -> dict[str, NDArray[np.float64]]:
        """Return `Channel.window` of every channel by name; of several with one name the first."""
    def to_arrow(self, start_s: float | None = None, end_s: float | None = None) -> Table:
        """Return the samples with start_s ≤ t < end_s, of all channels, as a table with the Arrow PyCapsule interface.

        Columns are float64: `time_s` from the first sample of the recording (NaN without a sample rate), then each
        channel in its own unit. The schema's metadata have `sample_rate_hz`, a field's `unit`, as far as known. Needs
        the extra `arrow`. Raises ImportError. Source: https://arrow.apache.org/docs/format/CDataInterface
        """

@final
class Channel:
    """One analog signal of a recording."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def muscle(self) -> str | None: ...
    @property
    def role(self) -> str:
        """`raw`, `activated` or `other`."""
    @property
    def sample_rate_hz(self) -> float | None: ...
    @property
    def samples(self) -> NDArray[np.float64]:
        """Physical values in `unit`, shape (n,); decoded anew at every access."""
    @property
    def scale(self) -> float:
        """In `unit` per stored step: ANALOG:SCALE times ANALOG:GEN_SCALE."""
    @property
    def offset(self) -> float:
        """The stored number that means 0: ANALOG:OFFSET."""
    @property
    def stored(self) -> NDArray[np.int16] | NDArray[np.uint16] | NDArray[np.float32] | None:
        """The numbers as they lie in the recording, shape (frames, samples_per_frame): a read-only view, not a copy.

        In the recording's own type and byte order; None for DEC's floats, which NumPy has no type for. `samples` are
        (stored.astype(float64) - offset) * scale. The view keeps the bytes of the whole recording in memory.
        """
    def window(self, start_s: float, end_s: float) -> NDArray[np.float64]:
        """Return the samples with start_s ≤ t < end_s: physical values in `unit`, shape (n,).

        Only their frames are decoded. Bounds beyond the recording mean its ends; what holds no sample gives an empty
        array, and so does any window without a sample rate. A bound up to 1e-6 of a sample past a sample is at it.
        """
    def envelope(self) -> NDArray[np.float64]:
        """Smooth the amplitude as ghostly-2 does: shape (n,), in `unit`. Raises AnalysisError."""

@final
class Layout:
    """Where the samples of a recording lie, from its first bytes: for reading just a window of it.

    Raises NeedMoreBytes if the prefix is too short, C3dError if it is at fault.
    """

    def __new__(cls, prefix: Buffer, size_bytes: int) -> Layout: ...
    @property
    def metadata(self) -> dict[str, Any]: ...
    def channel_index(self, name: str) -> int:
        """Find the number of a channel by name (see `Recording.__getitem__`). Raises KeyError."""
    def frame_window(self, start_s: float, end_s: float) -> tuple[int, int, int, int]:
        """Return (first_sample, end_sample, start_byte, end_byte) of the whole frames that cover a window of time."""
    def samples(self, data: Buffer, channel: int) -> NDArray[np.float64]:
        """Decode a channel from the bytes of whole frames: physical values, shape (n,). Raises IndexError."""

def open(source: str | os.PathLike[str] | Buffer, *, sha256: str | None = None) -> Recording:
    """Read a recording from a path or from bytes; `sha256`, where the caller knows it, is not computed again.

    Raises C3dError, OSError.
    """

def probe(prefix: Buffer, size_bytes: int | None = None) -> dict[str, Any]:
    """Return the `recording` part of a summary from the first bytes of a recording.

    `frames` are those declared, but no more than `size_bytes` holds. Raises NeedMoreBytes, C3dError.
    """

def personal(prefix: Buffer) -> dict[str, str]:
    """Return player_name, therapist_id, group_id and marker_set: empty where the recording does not say.

    Raises NeedMoreBytes, C3dError.
    """

def min_max(samples: ArrayLike, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest value of each of min(width, n) buckets of consecutive samples.

    NaN and infinity are passed over; a bucket of nothing else gives NaN.
    """

def min_max_lttb(samples: ArrayLike, width: int) -> NDArray[np.intp]:
    """Return the places, ascending, of `width` samples whose line looks like that of all: MinMaxLTTB.

    Where samples between two of them are NaN or infinite, the place of the first of those is added, so that the line
    breaks there. Source: Van Der Donckt et al. 2023, arXiv:2305.00332.
    """

def faults(
    samples: ArrayLike,
    sample_rate_hz: float,
    *,
    rests_at_zero: bool = False,
    rails: tuple[float | None, float | None] | None = None,
) -> list[tuple[Literal["Dropout", "Saturated", "Flat", "NonFinite"], int, int]]:
    """Return kind, start and end (half-open) of every part that must not be trusted, in order of time.

    `rests_at_zero`: the signal may stay at exactly 0, as GHOSTLY's `activated` channels do. `rails`: the samples are a
    part of a channel that is saturated up to the first and from the second value on (None: not on that side), as its
    report tells. Without them the samples are all of a channel, and show themselves whether it has rails.
    """

def json_numbers(values: ArrayLike, *, continued: bool = False) -> bytes:
    """Encode numbers as the inside of a JSON array, commas between them; NaN and infinity become null.

    Those `continued` from others have a comma before the first as well. Each number has the shortest decimals that read
    back as itself: of 32 bits where `values` are a float32 array, else of 64. Other threads run meanwhile.
    """

def moving_rms(samples: ArrayLike, sample_rate_hz: float, window_ms: int = 50) -> NDArray[np.float64]:
    """Return the root of the moving mean of squares, shape (n,); beyond the edges is zero, as numpy.convolve "same"."""

def envelope(
    samples: ArrayLike, sample_rate_hz: float, options: Mapping[str, Any] | None = None
) -> NDArray[np.float64]:
    """Return high-pass, magnitude, low-pass, moving average, as ghostly-2 does; shape (n,). Raises AnalysisError.

    `options` override those of the profile.
    """

def condition(
    samples: ArrayLike,
    sample_rate_hz: float,
    segments: list[tuple[int, int]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return `high_passed`, `envelope` and `rms` as standard-1 computes them: shape (n,), in the unit of the samples.

    Each half-open segment (default: all samples) is conditioned by itself; samples outside become zero. Segments lie in
    order and hold at least 16 samples. `options` override those of the profile. Raises AnalysisError.
    """

def adherence(completed: int, day: int) -> float | None:
    """Return completed sessions as a share of those expected by `day` (15 in 7 days), 0 to 100; None before day 3."""

def profiles() -> dict[str, dict[str, Any]]:
    """Return every profile: name to `digest` and `options`."""
