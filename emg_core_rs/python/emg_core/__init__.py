"""Reads C3D recordings of EMG and computes contractions, amplitude, spectra and scores."""

from emg_core._core import (
    Channel,
    Layout,
    Recording,
    __version__,
    adherence,
    condition,
    envelope,
    faults,
    json_numbers,
    min_max,
    min_max_lttb,
    moving_rms,
    open,
    personal,
    probe,
    profiles,
)
from emg_core.errors import AnalysisError, C3dError, NeedMoreBytes

__all__ = [
    "AnalysisError",
    "C3dError",
    "Channel",
    "Layout",
    "NeedMoreBytes",
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
