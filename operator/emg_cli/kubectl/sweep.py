"""`kubectl emg sweep`."""

import asyncio
import sys
from datetime import UTC, datetime

from emg_cli.kubectl.cluster import HERE, Where, connected
from emg_cli.output import AsJson, print_json


def sweep(*, json: AsJson = False, where: Where = HERE) -> None:
    """Have the operator look through storage now for recordings that nobody announced.

    It begins within seconds, unless EMG_SWEEP_SECONDS is 0. The operator's lease carries the wish, so -n names the
    operator's own namespace.

    Parameters
    ----------
    json
        Print when it was asked for, as JSON.
    """
    moment = datetime.now(UTC).isoformat()
    asyncio.run(_ask(where, moment))
    if json:
        print_json({"asked_at": moment})
    else:
        sys.stdout.write("asked the operator to sweep\n")


async def _ask(where: Where, moment: str) -> None:
    async with connected(where) as cluster:
        await cluster.ask_for_sweep(moment)
