"""What the analysis found in a channel, as far as a window shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from emg_session.database import StoredSession

Fault = Mapping[str, Any]
Contraction = Mapping[str, Any]

_STILL_A_SIGNAL = "Saturated"  # at least as large as shown


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the recording."""

    start_seconds: float
    end_seconds: float

    def touches(self, start_s: float, end_s: float) -> bool:
        """Whether any of it lies between two times."""
        return self.start_seconds < end_s and self.end_seconds > start_s


class ContractionSpan(Span, frozen=True, kw_only=True):
    """When a muscle contracted, and whether all set criteria were met."""

    is_good: bool | None


class FaultSpan(Span, frozen=True, kw_only=True):
    """When a channel must not be trusted, and why."""

    kind: str


def faults_of(session: StoredSession, channel: str) -> list[Fault]:
    """Return the listed faults of a channel; empty before the analysis."""
    summary = session.analytics_summary
    return [fault for fault in summary["faults"] if fault["channel"] == channel] if summary else []


def contractions_of(session: StoredSession, channel: str) -> list[Contraction]:
    """Return the contractions of the muscle a channel belongs to; empty before the analysis."""
    summary = session.analytics_summary
    muscles = summary["muscles"] if summary else []
    return [
        contraction
        for muscle in muscles
        if channel in (muscle["raw_channel"], muscle["timing_channel"])
        for contraction in muscle["contractions"]
    ]


def silent_samples(faults: Sequence[Fault], first_sample: int, count: int) -> list[slice]:
    """Return which of the `count` samples from `first_sample` on carry no signal, in order; each sample once."""
    silent = (fault for fault in faults if fault["kind"] != _STILL_A_SIGNAL)
    places = ((fault["start_sample"] - first_sample, fault["end_sample"] - first_sample) for fault in silent)
    gaps: list[slice] = []
    for start, end in sorted((max(start, 0), min(end, count)) for start, end in places if start < count and end > 0):
        if gaps and start < gaps[-1].stop:
            gaps[-1] = slice(gaps[-1].start, max(gaps[-1].stop, end))
        else:
            gaps.append(slice(start, end))
    return gaps


def contraction_spans(contractions: Sequence[Contraction], start_s: float, end_s: float) -> list[ContractionSpan]:
    """Return the contractions that touch the window."""
    every = (
        ContractionSpan(start_seconds=c["start_ms"] / 1000, end_seconds=c["end_ms"] / 1000, is_good=c["is_good"])
        for c in contractions
    )
    return [span for span in every if span.touches(start_s, end_s)]


def fault_spans(faults: Sequence[Fault], start_s: float, end_s: float) -> list[FaultSpan]:
    """Return the faults that touch the window."""
    every = (FaultSpan(kind=f["kind"], start_seconds=f["start_s"], end_seconds=f["end_s"]) for f in faults)
    return [span for span in every if span.touches(start_s, end_s)]


def gap_spans(silent: Sequence[slice], first_sample: int, rate_hz: float) -> list[Span]:
    """Return samples without a signal as seconds of the recording."""
    return [
        Span(start_seconds=(first_sample + gap.start) / rate_hz, end_seconds=(first_sample + gap.stop) / rate_hz)
        for gap in silent
    ]
