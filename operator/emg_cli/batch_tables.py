"""Many summaries as one table: a row for each muscle of each recording."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from arro3.core import Array, DataType, Field, Schema, Table
from arro3.io import write_csv
from rich.table import Table as Printed

from emg_api.arrow import ipc_stream, parquet_file
from emg_cli.batch import Analysed
from emg_session.errors import InvalidSettings
from emg_session.resource import subject_of

# Only ever added to, at the end.
COLUMNS = {
    "source": DataType.string(),
    "subject": DataType.string(),
    "recording_sha256": DataType.string(),
    "profile": DataType.string(),
    "profile_digest": DataType.string(),
    "duration_s": DataType.float64(),
    "muscle": DataType.string(),
    "raw_channel_verdict": DataType.string(),
    "usable_fraction": DataType.float64(),
    "contractions": DataType.int64(),
    "good_contractions": DataType.int64(),
    "mean_duration_ms": DataType.float64(),
    "rms_volts": DataType.float64(),
    "mpf_hz": DataType.float64(),
    "mdf_hz": DataType.float64(),
    "compliance_percent": DataType.float64(),
    "overall_score_percent": DataType.float64(),
}
_KINDS = (".parquet", ".csv", ".arrow")
_PRINTED = ("muscle", "verdict", "good", "RMS µV", "MDF Hz", "compliance")


def muscle_rows(source: str, summary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each muscle; what a profile does not tell is None."""
    recording, scores = summary["recording"], summary["scores"]
    channels = {channel["name"]: channel for channel in summary["channels"]}
    for muscle in summary["muscles"]:
        counted = muscle["contraction_summary"] or {}
        channel = channels.get(muscle["raw_channel"], {})
        values = (
            source,
            subject_of(source),
            recording["sha256"],
            summary["profile"]["name"],
            summary["profile"]["digest"],
            recording["duration_s"],
            muscle["name"],
            channel.get("verdict"),
            channel.get("usable_fraction"),
            counted.get("count"),
            counted.get("good"),
            counted.get("mean_duration_ms"),
            (muscle["amplitude"] or {}).get("rms_volts"),
            (muscle["spectrum"] or {}).get("mpf_hz"),
            (muscle["spectrum"] or {}).get("mdf_hz"),
            (scores["muscles"].get(muscle["name"]) or {}).get("compliance"),
            scores["overall"],
        )
        yield dict(zip(COLUMNS, values, strict=True))


def require_writable(out: Path) -> None:
    """Refuse what can't be written before hours of work; raises InvalidSettings."""
    if out.suffix not in _KINDS:
        raise InvalidSettings(f"{out.suffix or 'no suffix'!r} names no kind of table: .parquet, .csv and .arrow do")
    if not out.parent.is_dir():
        raise InvalidSettings(f"there is no folder {out.parent} to write {out.name} to")


def write_table(every: Iterable[Analysed], out: Path) -> None:
    """Write the rows of all recordings that have a summary, as a kind of file that `require_writable` lets pass."""
    table = _table([row for one in every if one.summary for row in muscle_rows(one.source, one.summary)])
    match out.suffix:
        case ".parquet":
            out.write_bytes(parquet_file(table))
        case ".arrow":
            out.write_bytes(ipc_stream(table))
        case _:
            write_csv(table, str(out))


def batch_table(every: Sequence[Analysed]) -> Printed:
    """Return the rows as people read them, with a line for each recording that could not be analysed."""
    table = Printed(box=None)
    table.add_column("recording", overflow="fold")
    for column in _PRINTED:
        table.add_column(column, no_wrap=True, justify="left" if column in _PRINTED[:2] else "right")
    for one in every:
        name = "/".join(Path(one.source).with_suffix("").parts[-2:])  # every subject has a `first`
        if one.failure is not None:
            table.add_row(name, "-", type(one.failure).__name__)
        for row in muscle_rows(one.source, one.summary) if one.summary else ():
            table.add_row(name, row["muscle"], row["raw_channel_verdict"], *_numbers(row))
    return table


def _numbers(row: Mapping[str, Any]) -> list[str]:
    rms = row["rms_volts"] and 1e6 * row["rms_volts"]
    good = f"{_told(row['good_contractions'], 0)} of {_told(row['contractions'], 0)}"
    return [good, *(_told(value, 1) for value in (rms, row["mdf_hz"], row["compliance_percent"]))]


def _told(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    schema = Schema([Field(name, kind, nullable=True) for name, kind in COLUMNS.items()])
    return Table.from_arrays(
        [Array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()], schema=schema
    )
