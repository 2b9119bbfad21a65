"""Writing to stdout: nothing but the answer."""

import sys
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

AsJson = Annotated[bool, Parameter(negative="")]


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as indented JSON."""
    print_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_bytes(line: bytes) -> None:
    """Print bytes as they are and a line's end."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
