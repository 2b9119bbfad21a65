"""Windows of a recording as Arrow tables, made by the optional dependency arro3-core."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from arro3.core import Field, Table

Column = tuple[str, str | None, NDArray[np.float64]]


def table(columns: list[Column], sample_rate_hz: float | None) -> "Table":
    """Make a table of columns of name, unit and values. Raises ImportError, which tells what to install."""
    try:
        from arro3.core import Array, Schema, Table  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError("to_arrow needs arro3-core: pip install emg-core[arrow]") from error
    metadata = {} if sample_rate_hz is None else {"sample_rate_hz": repr(sample_rate_hz)}
    schema = Schema([_field(name, unit) for name, unit, _ in columns], metadata=metadata)
    return Table.from_arrays([Array.from_numpy(values) for _, _, values in columns], schema=schema)


def _field(name: str, unit: str | None) -> "Field":
    from arro3.core import DataType, Field  # noqa: PLC0415 - optional

    return Field(name, DataType.float64(), nullable=False, metadata={} if unit is None else {"unit": unit})
