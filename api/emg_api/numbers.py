"""Arrays of numbers as JSON, some thousand at a time: pieces of that size stay in the processor's cache."""

from collections.abc import Iterator

import emg_core
import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64] | NDArray[np.float32]

_NUMBERS_AT_ONCE = 8192


def json_chunks(values: Numbers) -> Iterator[bytes]:
    """Return a JSON array in chunks; what is not finite becomes null."""
    yield b"["
    for start in range(0, len(values), _NUMBERS_AT_ONCE):
        yield emg_core.json_numbers(values[start : start + _NUMBERS_AT_ONCE], continued=start > 0)
    yield b"]"


def json_array(values: Numbers) -> msgspec.Raw:
    """Return a JSON array."""
    return msgspec.Raw(b"".join(json_chunks(values)))
