"""Waiting for a condition instead of for time to pass."""

import asyncio
import time
from collections.abc import Callable

_SECONDS, _LOOK_EVERY_S = 180.0, 0.01


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds; fail saying what did not happen."""
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end, f"not within {_SECONDS} s: {what}"
        time.sleep(_LOOK_EVERY_S)


async def until(condition: Callable[[], object], what: str) -> None:
    """Do the same beside a running event loop's other work."""
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end, f"not within {_SECONDS} s: {what}"
        await asyncio.sleep(_LOOK_EVERY_S)
