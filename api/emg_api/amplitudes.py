"""Envelope and moving RMS of a stretch of samples, as the session's profile computes them.

Filters need neighbours: with `context_s` of them on both sides a window differs from the whole channel's signal by less
than a millionth of its largest value (measured against the whole; a property test holds it).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import emg_core
import numpy as np
from numpy.typing import NDArray

from emg_api.windows import Signal
from emg_session.core_errors import core_errors
from emg_session.database import StoredSession
from emg_session.resource import DEFAULT_PROFILE

Samples = NDArray[np.float64]
Segment = tuple[int, int]

_GHOSTLY = "ghostly-2"
# Periods of a filter's cut-off after which a zero-phase Butterworth of order 4 has settled to a millionth.
_PERIODS_TO_SETTLE = 5.8
# Shorter segments can't be filtered.
_FEWEST_SAMPLES = 16


@dataclass(frozen=True, kw_only=True)
class Method:
    """How amplitudes are made: as the session's analysis did, before it as its profile would."""

    profile: str
    options: Mapping[str, Any]

    @classmethod
    def of(cls, session: StoredSession) -> "Method":
        """Return a session's method; a profile that the core does not know is the default one."""
        if session.analytics_summary is not None:
            analysis = session.analytics_summary["profile"]
            return cls(profile=analysis["name"], options=analysis["options"])
        profiles = emg_core.profiles()
        name = session.profile if session.profile in profiles else DEFAULT_PROFILE
        return cls(profile=name, options=profiles[name]["options"])

    @property
    def context_s(self) -> float:
        """How many seconds of neighbours the filters need on each side."""
        high_pass_hz, low_pass_hz, window_ms = (
            float(self.options[name]) for name in ("high_pass_hz", "low_pass_hz", "envelope_window_ms")
        )
        return _PERIODS_TO_SETTLE * (1 / high_pass_hz + 1 / low_pass_hz) + window_ms / 1000

    def amplitudes(self, samples: Samples, rate_hz: float, faults: Sequence[Segment]) -> dict[Signal, Samples]:
        """Return envelope and RMS in the unit of the samples, shape (n,); not a number where nothing can be filtered.

        standard-1 filters what lies between the faults, ghostly-2 everything. Raises BadAnalysisRequest where the
        sampling rate is too low for the filters, RecordingTooShort.
        """
        with core_errors():
            if self.profile == _GHOSTLY:
                return self._of_all(samples, rate_hz)
            return self._between(samples, rate_hz, faults)

    def _of_all(self, samples: Samples, rate_hz: float) -> dict[Signal, Samples]:
        return {
            Signal.ENVELOPE: emg_core.envelope(samples, rate_hz, self.options),
            Signal.RMS: emg_core.moving_rms(samples, rate_hz, self.options["envelope_window_ms"]),
        }

    def _between(self, samples: Samples, rate_hz: float, faults: Sequence[Segment]) -> dict[Signal, Samples]:
        segments = segments_between(faults, len(samples))
        found = emg_core.condition(samples, rate_hz, segments, self.options)
        outside = np.ones(len(samples), dtype=bool)
        for start, end in segments:
            outside[start:end] = False
        for signal in (found["envelope"], found["rms"]):
            signal[outside] = np.nan
        return {Signal.ENVELOPE: found["envelope"], Signal.RMS: found["rms"]}


def segments_between(faults: Sequence[Segment], count: int) -> list[Segment]:
    """Return what of `count` samples lies between faults and is long enough to be filtered."""
    segments, start = [], 0
    for fault_start, fault_end in [*sorted(faults), (count, count)]:
        if fault_start - start >= _FEWEST_SAMPLES:
            segments.append((start, fault_start))
        start = max(start, fault_end)
    return segments
