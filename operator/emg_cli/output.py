"""Writing to stdout nothing but the answer, and to a terminal's stderr that we are at it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

AsJson = Annotated[bool, Parameter(negative="")]


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as indented JSON."""
    print_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_bytes(line: bytes) -> None:
    """Print bytes as they are and a line's end."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def working(at: str) -> Iterator[None]:
    """Show what is being done while it lasts, where somebody looks."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(at):
            yield
    else:
        yield
