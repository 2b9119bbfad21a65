"""Rows of a query as an Arrow stream that is made while it is read, so that any number of them fits into memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatchReader, Schema, Table
from arro3.io import read_ipc_stream, write_ipc_stream

from emg_cli.columns import Column

Row = Sequence[Any]

_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # of a stream (Arrow's IPC format)
_EPOCH, _EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class _Kind:
    """How a type becomes Arrow's: made of plain values as `stored`, which are then read as `type`."""

    type: DataType
    stored: DataType
    plain: Callable[[Any], Any]


def _microseconds(moment: datetime) -> int:
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _same(kind: DataType) -> _Kind:
    return _Kind(kind, kind, lambda value: value)


_KINDS = {
    "bool": _same(DataType.bool()),
    "int2": _same(DataType.int16()),
    "int4": _same(DataType.int32()),
    "int8": _same(DataType.int64()),
    "float8": _same(DataType.float64()),
    "date": _Kind(DataType.date32(), DataType.int32(), lambda day: day.toordinal() - _EPOCH_DAY),
    "timestamp": _Kind(DataType.timestamp("us"), DataType.int64(), _microseconds),
    "timestamptz": _Kind(DataType.timestamp("us", tz="UTC"), DataType.int64(), _microseconds),
}
_TEXT = _Kind(DataType.string(), DataType.string(), str)


def _kind(name: str) -> _Kind:
    return _KINDS.get(name, _TEXT)


def _field(column: Column) -> Field:
    return Field(column.name, _kind(column.type).type, nullable=True, metadata={"comment": column.comment})


def arrow_reader(columns: Sequence[Column], batches: Iterable[Sequence[Row]]) -> RecordBatchReader:
    """Return a reader that takes a batch of rows whenever it needs one."""
    return read_ipc_stream(_Pulled(_stream(columns, batches)))  # type: ignore[arg-type]


def _stream(columns: Sequence[Column], batches: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """Yield one stream: its schema, then of each batch's own stream what lies between its schema and its end."""
    schema = Schema([_field(column) for column in columns])
    beginning = _encoded(Table.from_batches([], schema=schema)).removesuffix(_END)
    yield beginning
    for rows in batches:
        yield _encoded(_table(schema, columns, rows)).removeprefix(beginning).removesuffix(_END)
    yield _END


def _table(schema: Schema, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    arrays = [_array(_kind(column.type), [row[n] for row in rows]) for n, column in enumerate(columns)]
    return Table.from_arrays(arrays, schema=schema)


def _array(kind: _Kind, values: Sequence[Any]) -> Array:
    return Array([None if value is None else kind.plain(value) for value in values], kind.stored).cast(kind.type)


def _encoded(table: Table) -> bytes:
    stream = BytesIO()
    write_ipc_stream(table, stream, compression=None)
    return stream.getvalue()


class _Pulled:
    """A file to read once from its beginning, whose parts are made when they are asked for."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._rest:
            try:
                self._rest = next(self._parts)
            except StopIteration:
                return b""
        answer, self._rest = self._rest[:size], self._rest[size:]
        return answer

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Be there, as arro3 wants of files; it does not call it for a stream."""
        raise OSError("a stream can't be read from elsewhere")
