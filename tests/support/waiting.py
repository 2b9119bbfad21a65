"""Waiting for a condition instead of for time to pass."""

import asyncio
import time
from collections.abc import Callable

# Long, as only a failing test waits so long, and machines of two processors are slow.
_SECONDS, _LOOK_EVERY_S, _LOOK_FAR_EVERY_S = 600.0, 0.01, 0.2


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


async def until_seen(look: Callable[[], object], what: str) -> None:
    """Do the same where looking takes a program or a request."""
    end = time.monotonic() + _SECONDS
    while not await asyncio.to_thread(look):
        assert time.monotonic() < end, f"not within {_SECONDS} s: {what}"
        await asyncio.sleep(_LOOK_FAR_EVERY_S)
