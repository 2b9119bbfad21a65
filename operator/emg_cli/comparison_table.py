"""How two profiles agree, as people read it in a terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from emg_session.agreement import Change, Comparison

_COLUMNS = ("metric", "n", "bias", "lower limit", "upper limit", "± (SE)")
_FACTOR_COLUMNS = ("metric", "mean factor", "lower limit", "upper limit")
_MOST_CHANGES = 20
_FEW_SUBJECTS = 20


def print_comparison(comparison: Comparison, first: str, second: str, console: Console) -> None:
    """Print limits of agreement, a row for each metric, then how many contractions changed sides, and which first."""
    console.print(_limits(comparison, f"{second} - {first}"))
    console.print(_factors(comparison, f"{second} / {first}, for what differs in proportion to its size"))
    if comparison.subjects < _FEW_SUBJECTS:
        console.print(
            f"of {comparison.subjects} subjects only: the limits are rough, as their standard errors (SE) tell"
        )
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
    table = _table(title, _COLUMNS)
    for metric in comparison.metrics:
        values = (metric.bias, metric.lower, metric.upper, metric.limits_standard_error)
        table.add_row(metric.metric, str(metric.n), *map(_number, values))
    return table


def _factors(comparison: Comparison, factor: str) -> Table:
    table = _table(factor, _FACTOR_COLUMNS)
    for metric in comparison.metrics:
        if found := metric.factor:
            table.add_row(metric.metric, *map(_number, (found.bias, found.lower, found.upper)))
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, box=SIMPLE, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column == "metric" else "right")
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _change(change: Change) -> str:
    sides = f"{change.criterion} {change.first} -> {change.second}".lower()
    return f"  {change.session_code} {change.muscle} {change.start_ms:.0f}-{change.end_ms:.0f} ms: {sides}"
