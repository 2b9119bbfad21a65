"""The stored summary (emg-summary/1) as the operator's status needs it: integers, no arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from emg_session.status import RecordingFacts, ResultFacts

PROCESSING_VERSION = "2.0"
# A session stays under 4 KiB however many channels a recording has; the summary lists all.
_MOST_CHANNELS = 32
_MOST_CHARACTERS = 32
_MOST = 2**53  # a file may claim any rate; its status must still be storable


@dataclass(frozen=True, kw_only=True)
class SummaryFacts:
    """What the status tells about a stored summary."""

    recording: RecordingFacts
    result: ResultFacts
    channel_count: int
    poor_channels: tuple[str, ...]


def summary_facts(summary: Mapping[str, Any]) -> SummaryFacts:
    """Reduce a summary to the facts of the status."""
    channels = summary["channels"]
    return SummaryFacts(
        recording=_recording_facts(summary["recording"]),
        result=_result_facts(summary),
        channel_count=len(channels),
        poor_channels=tuple(f"{c['name']} is {c['verdict']}" for c in channels if c["verdict"] != "Usable"),
    )


def _recording_facts(recording: Mapping[str, Any]) -> RecordingFacts:
    return RecordingFacts(
        sha256=recording["sha256"],
        channels=tuple(channel["name"][:_MOST_CHARACTERS] for channel in recording["channels"][:_MOST_CHANNELS]),
        sample_rate_milli_hz=_integer(recording["sample_rate_hz"] * 1000),
        frames=recording["frames"],
        duration_ms=_integer(recording["duration_s"] * 1000),
    )


def _result_facts(summary: Mapping[str, Any]) -> ResultFacts:
    usable = [channel["usable_fraction"] for channel in summary["channels"]]
    overall = summary["scores"]["overall"]
    return ResultFacts(
        contractions=sum(len(muscle["contractions"]) for muscle in summary["muscles"]),
        usable_permille=round(1000 * sum(usable) / len(usable)) if usable else 0,
        overall_score_permille=None if overall is None else round(10 * overall),
        summary_bytes=len(msgspec.json.encode(summary)),
        profile_digest=summary["profile"]["digest"],
        core_version=summary["provenance"]["core_version"],
    )


def _integer(value: float) -> int:
    return round(min(value, _MOST))
