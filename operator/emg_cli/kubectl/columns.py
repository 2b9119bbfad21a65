"""Tables as kubectl prints them: in columns that `awk` and people read alike."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

_GAP = "   "
_STEPS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their heads."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        line = _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in its largest unit; a clock that is behind makes it 0s."""
    if since is None:
        return "-"
    for unit, step in _STEPS:
        if now - since >= step:
            return f"{(now - since) // step}{unit}"
    return "0s"


def told(value: object) -> str:
    """Return a value as a cell, "-" for none."""
    return "-" if value is None else str(value)
