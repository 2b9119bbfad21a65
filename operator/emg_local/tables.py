"""A summary as people read it in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

_COLUMNS = ("muscle", "count", "good", "mean ms", "RMS µV", "MPF Hz", "MDF Hz", "compliance")


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print a summary: a row for each muscle, then channels that are not fine, and the scores."""
    console.print(_muscles(summary))
    for channel in summary["channels"]:
        if channel["verdict"] != "Usable":
            reasons = ", ".join(reason["reason"] for reason in channel["reasons"])
            console.print(f"{channel['name']}: {channel['verdict']} ({reasons})", markup=False)
    scores = summary["scores"]
    parts = [f"{name} {_number(scores[name])}" for name in ("overall", "compliance", "symmetry", "effort", "game")]
    console.print("scores: " + ", ".join(parts), markup=False)
    console.print("For research use, not a medical device.")


def _muscles(summary: Mapping[str, Any]) -> Table:
    recording, profile = summary["recording"], summary["profile"]["name"]
    title = f"{recording['duration_s']:.1f} s at {recording['sample_rate_hz']:g} Hz, profile {profile}"
    table = Table(title=title, box=SIMPLE, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "muscle" else "right")
    for muscle in summary["muscles"]:
        table.add_row(*_row(muscle, summary["scores"]["muscles"].get(muscle["name"]) or {}))
    return table


def _row(muscle: Mapping[str, Any], score: Mapping[str, Any]) -> list[str]:
    if muscle["skipped"]:
        return [muscle["name"], f"skipped: {muscle['skipped']}"]
    contractions, spectrum = muscle["contraction_summary"], muscle["spectrum"] or {}
    return [
        muscle["name"],
        str(contractions["count"]),
        _number(contractions["good"], digits=0),
        _number(contractions["mean_duration_ms"], digits=0),
        _number(1e6 * muscle["amplitude"]["rms_volts"]),
        _number(spectrum.get("mpf_hz")),
        _number(spectrum.get("mdf_hz")),
        _number(score.get("compliance")),
    ]


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
