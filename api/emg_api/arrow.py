"""Tables in Arrow's and Parquet's formats, by arro3."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from arro3.core import Array, DataType, Field, Schema, Table
from arro3.io import write_ipc_stream, write_parquet
from numpy.typing import NDArray


class Column(NamedTuple):
    """A named column of numbers with what else is known of it."""

    name: str
    values: NDArray[np.float32] | NDArray[np.float64]
    told: Mapping[str, str]


def arrow_stream(columns: Sequence[Column], told: Mapping[str, str]) -> bytes:
    """Return columns as an Arrow IPC stream, with the told facts as the schema's metadata."""
    fields = [Field(name, _type_of(values), nullable=False, metadata=dict(about)) for name, values, about in columns]
    arrays = [Array.from_numpy(np.ascontiguousarray(values)) for _, values, _ in columns]
    return ipc_stream(Table.from_arrays(arrays, schema=Schema(fields, metadata=dict(told))))


def ipc_stream(table: Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    stream = BytesIO()
    write_ipc_stream(table, stream, compression=None)
    return stream.getvalue()


def parquet_file(table: Table) -> bytes:
    """Return a table as a Parquet file."""
    file = BytesIO()
    write_parquet(table, file, compression="zstd(3)")
    return file.getvalue()


def _type_of(values: NDArray[np.float32] | NDArray[np.float64]) -> DataType:
    return DataType.float32() if values.dtype == np.float32 else DataType.float64()
