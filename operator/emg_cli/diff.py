"""`emg diff`."""

import asyncio
from pathlib import Path

import msgspec
from rich.console import Console

from emg_cli.comparison_table import print_comparison
from emg_cli.output import AsJson, print_json
from emg_cli.site import Site
from emg_session.agreement import Comparison, compare, measure
from emg_session.errors import InvalidSettings
from emg_session.pairs import stored_pairs


def diff(first: str, second: str, *, json: AsJson = False, data: Path | None = None) -> None:
    """Compare two profiles over the recordings that are stored under both.

    Parameters
    ----------
    first
        A profile.
    second
        Another: differences are second - first.
    json
        All of it, as JSON, instead of a table.
    data
        The folder of a running `emg run`; else EMG_DATABASE_URL says where the database is.
    """
    comparison = asyncio.run(_compare(Site.of(data), first, second))
    if comparison.recordings == 0:
        raise InvalidSettings(
            f"no recording is stored under both {first} and {second}: create a session with each profile first"
        )
    if json:
        print_json({"first": first, "second": second} | msgspec.to_builtins(comparison))
    else:
        print_comparison(comparison, first, second, Console())


async def _compare(site: Site, first: str, second: str) -> Comparison:
    async with site.database() as database:
        return compare([measure(pair) async for pair in stored_pairs(database, first, second)])
