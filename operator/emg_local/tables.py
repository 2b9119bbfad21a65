"""Summaries and comparisons as people read them in a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from emg_session.agreement import Change, Comparison

_COLUMNS = ("muscle", "count", "good", "mean ms", "RMS µV", "MPF Hz", "MDF Hz", "compliance")
_AGREEMENT_COLUMNS = ("metric", "n", "bias", "SD", "lower limit", "upper limit")
_MOST_CHANGES = 20


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


def print_comparison(comparison: Comparison, first: str, second: str, console: Console) -> None:
    """Print limits of agreement, a row for each metric, then how many contractions changed sides, and which first."""
    title = f"{second} - {first}: {comparison.recordings} recordings, {comparison.subjects} subjects"
    table = Table(title=title, box=SIMPLE, title_justify="left")
    for column in _AGREEMENT_COLUMNS:
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in comparison.metrics:
        values = (metric.bias, metric.sd, metric.lower, metric.upper)
        table.add_row(metric.metric, str(metric.n), *("-" if v is None else f"{v:.4g}" for v in values))
    console.print(table)
    console.print("contractions: " + ", ".join(f"{n} {side}" for side, n in comparison.contractions.items()))
    for line in _changes(comparison.changes):
        console.print(line, markup=False, highlight=False)
    console.print("For research use, not a medical device.")


def _changes(changes: Sequence[Change]) -> Iterator[str]:
    for criterion, count in Counter(change.criterion for change in changes).items():
        yield f"{count} change sides: {criterion}"
    for change in changes[:_MOST_CHANGES]:
        sides = f"{change.criterion} {change.first} -> {change.second}".lower()
        yield f"  {change.session_code} {change.muscle} {change.start_ms:.0f}-{change.end_ms:.0f} ms: {sides}"
    if len(changes) > _MOST_CHANGES:
        yield f"  and {len(changes) - _MOST_CHANGES} more: --json lists them all"


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
