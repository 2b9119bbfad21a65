"""`kubectl emg sweep`."""

import asyncio
import sys
from datetime import UTC, datetime

from emg_cli.kubectl.cluster import HERE, Where, connected


def sweep(*, where: Where = HERE) -> None:
    """Have the operator look through storage now for recordings that nobody announced.

    It begins within seconds, unless EMG_SWEEP_SECONDS is 0. The operator's lease carries the wish, so -n names the
    operator's own namespace.
    """
    asyncio.run(_ask(where))
    sys.stdout.write("asked the operator to sweep\n")


async def _ask(where: Where) -> None:
    async with connected(where) as cluster:
        await cluster.ask_for_sweep(datetime.now(UTC).isoformat())
