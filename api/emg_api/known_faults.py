"""The faults of a channel: the analysis's list, completed from the samples where it has the longest alone.

A summary lists some of the faults of a channel that is saturated hundreds of times, and tells the channel's rails; with
them the samples of any part show all of its faults.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import emg_core
import numpy as np
from numpy.typing import NDArray

from emg_api.channels import unit_of, units_in_a_volt
from emg_api.excerpts import Excerpt
from emg_api.marks import Fault, faults_of
from emg_session.database import StoredSession

Rails = tuple[float | None, float | None]

# Whether a run is a fill or flat is seen from 0.1 s around it.
CONTEXT_S = 0.5
_KINDS = frozenset({"NonFinite", "Dropout", "Saturated", "Flat"})


@dataclass(frozen=True, kw_only=True)
class KnownFaults:
    """What is known of a channel's faults before its samples are read.

    `are_all`: they are all listed, or can all be found. `rails_volts`: with these, where they have to be found.
    """

    listed: Sequence[Fault]
    are_all: bool
    rails_volts: Rails | None = None

    @classmethod
    def of(cls, session: StoredSession, channel: str) -> "KnownFaults":
        """Return what the session's analysis tells; an earlier core told no rails."""
        listed, summary = faults_of(session, channel), session.analytics_summary
        reports = [one for one in summary["channels"] if one["name"] == channel] if summary else []
        counts = _counts(reports)
        if summary is None or sum(counts.values()) <= len(listed):
            return cls(listed=listed, are_all=summary is not None)
        rails = reports[0].get("rails")
        if len(reports) > 1 or (rails is None and "Saturated" in counts):
            return cls(listed=listed, are_all=False)
        bounds = (rails["low_volts"], rails["high_volts"]) if rails else (None, None)
        return cls(listed=listed, are_all=True, rails_volts=bounds)

    def within(self, excerpt: Excerpt, channel: int, samples: NDArray[np.float64]) -> Sequence[Fault]:
        """Return all faults that touch an excerpt, from its samples, shape (n,), where they have to be found."""
        if self.rails_volts is None:
            return self.listed
        described, rate_hz = excerpt.recording.channel(channel), excerpt.recording.rate_hz
        factor = units_in_a_volt(unit_of(described))
        low, high = (None if volts is None else volts * factor for volts in self.rails_volts)
        at_rest = described["role"] == "activated"
        found = emg_core.faults(samples, rate_hz, rests_at_zero=at_rest, rails=(low, high))
        return [*self.listed, *(_fault(kind, excerpt.first_sample, start, end) for kind, start, end in found)]


def _counts(reports: Sequence[dict[str, Any]]) -> Counter[str]:
    """Return how many faults of each kind there are."""
    reasons = [reason for report in reports for reason in report["reasons"] if reason["reason"] in _KINDS]
    return sum((Counter({reason["reason"]: reason["count"]}) for reason in reasons), Counter[str]())


def _fault(kind: str, first_sample: int, start: int, end: int) -> Fault:
    return {"kind": kind, "start_sample": first_sample + start, "end_sample": first_sample + end}
