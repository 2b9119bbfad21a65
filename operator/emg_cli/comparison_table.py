"""How two profiles agree, as people read it in a terminal."""

from collections import Counter

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from emg_session.agreement import Change, Comparison

_COLUMNS = ("metric", "n", "bias", "SD", "lower limit", "upper limit")
_MOST_CHANGES = 20


def print_comparison(comparison: Comparison, first: str, second: str, console: Console) -> None:
    """Print limits of agreement, a row for each metric, then how many contractions changed sides, and which first."""
    console.print(_limits(comparison, f"{second} - {first}"))
    console.print("contractions: " + ", ".join(f"{n} {side}" for side, n in comparison.contractions.items()))
    for criterion, count in Counter(change.criterion for change in comparison.changes).items():
        console.print(f"{count} change sides: {criterion}", markup=False)
    for change in comparison.changes[:_MOST_CHANGES]:
        console.print(_change(change), markup=False, highlight=False)
    if len(comparison.changes) > _MOST_CHANGES:
        console.print(f"  and {len(comparison.changes) - _MOST_CHANGES} more: --json lists them all")
    console.print("For research use, not a medical device.")


def _limits(comparison: Comparison, difference: str) -> Table:
    title = f"{difference}: {comparison.recordings} recordings, {comparison.subjects} subjects"
    table = Table(title=title, box=SIMPLE, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in comparison.metrics:
        values = (metric.bias, metric.sd, metric.lower, metric.upper)
        table.add_row(metric.metric, str(metric.n), *("-" if v is None else f"{v:.4g}" for v in values))
    return table


def _change(change: Change) -> str:
    sides = f"{change.criterion} {change.first} -> {change.second}".lower()
    return f"  {change.session_code} {change.muscle} {change.start_ms:.0f}-{change.end_ms:.0f} ms: {sides}"
