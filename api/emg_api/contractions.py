"""The contractions of a summary as a table: CSV, Arrow or Parquet, with the same columns for every profile."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

from arro3.core import Array, DataType, Field, Schema, Table

from emg_api.arrow import ipc_stream, parquet_file
from emg_api.negotiation import MediaType

Row = dict[str, Any]

# Only ever added to, at the end. `contraction` counts from 1 within its muscle; what a profile does not tell is empty.
COLUMNS = {
    "muscle": DataType.string(),
    "contraction": DataType.int64(),
    "start_sample": DataType.int64(),
    "end_sample": DataType.int64(),
    "start_ms": DataType.float64(),
    "end_ms": DataType.float64(),
    "duration_ms": DataType.float64(),
    "mean_amplitude_volts": DataType.float64(),
    "max_amplitude_volts": DataType.float64(),
    "meets_mvc": DataType.bool(),
    "meets_duration": DataType.bool(),
    "is_good": DataType.bool(),
    "rms_volts": DataType.float64(),
    "iemg_volt_seconds": DataType.float64(),
    "time_to_peak_ms": DataType.float64(),
    "mpf_hz": DataType.float64(),
    "mdf_hz": DataType.float64(),
    "faults": DataType.int64(),
    "merged": DataType.int64(),
    "long": DataType.bool(),
}
# What a summary leaves out where it is none, of the profile that tells it.
_LEFT_OUT = {"faults": 0, "merged": 0, "long": False}
_TOLD_BESIDE = "rms_volts"
# A spreadsheet takes a cell that begins so for a formula, and names come from whoever made the recording.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def contraction_rows(summary: Mapping[str, Any]) -> Iterator[Row]:
    """Yield one row for each contraction, muscle by muscle."""
    for muscle in summary["muscles"]:
        for number, contraction in enumerate(muscle["contractions"], 1):
            left_out = _LEFT_OUT if _TOLD_BESIDE in contraction else {}
            told = {"muscle": muscle["name"], "contraction": number, **left_out, **contraction}
            yield {name: told.get(name) for name in COLUMNS}


def as_csv(summary: Mapping[str, Any]) -> bytes:
    """Return the table as CSV (RFC 4180, UTF-8); a name that a spreadsheet would compute has ' before it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row.values()] for row in contraction_rows(summary))
    return text.getvalue().encode()


def as_arrow(summary: Mapping[str, Any]) -> bytes:
    """Return the table as an Arrow IPC stream."""
    return ipc_stream(_table(summary))


def as_parquet(summary: Mapping[str, Any]) -> bytes:
    """Return the table as a Parquet file."""
    return parquet_file(_table(summary))


WRITERS: dict[MediaType, tuple[str, Callable[[Mapping[str, Any]], bytes]]] = {
    MediaType.CSV: ("csv", as_csv),
    MediaType.ARROW: ("arrow", as_arrow),
    MediaType.PARQUET: ("parquet", as_parquet),
}


def _table(summary: Mapping[str, Any]) -> Table:
    rows = list(contraction_rows(summary))
    schema = Schema([Field(name, kind, nullable=True) for name, kind in COLUMNS.items()])
    return Table.from_arrays(
        [Array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()], schema=schema
    )


def _cell(value: object) -> object:
    match value:
        case bool():
            return str(value).lower()
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return value
