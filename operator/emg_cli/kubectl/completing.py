"""`kubectl_complete-emg`: kubectl runs it for what could come next, and reads lines and a last one `:directive`."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

from emg_cli.kubectl.app import COMMANDS, LINE

_NO_FILES = ":4"  # cobra's ShellCompDirectiveNoFileComp
_OF_SESSIONS = ("show", "why", "logs", "rerun", "replay")
_WITH_VALUES = ("--namespace", "-n", "--context", "--kubeconfig")


def main() -> None:
    """Print what could come next; what can't be asked for is nothing to choose from."""
    *before, begun = sys.argv[1:] or [""]
    found = (word for word in candidates(before, begun) if word.startswith(begun))
    sys.stdout.write("".join(f"{word}\n" for word in [*found, _NO_FILES]))


def candidates(before: Sequence[str], begun: str) -> Iterator[str]:
    """Yield commands, then their options or the sessions there are."""
    command = next((word for word in before if word in COMMANDS), None)
    if command is None:
        yield from COMMANDS
    elif begun.startswith("-"):
        yield from _options(command)
    elif command in _OF_SESSIONS:
        yield from _sessions(before)


def _options(command: str) -> Iterator[str]:
    for argument in LINE.build()[command].assemble_argument_collection():
        yield from (name for name in argument.names if name.startswith("--"))


def _sessions(before: Sequence[str]) -> Iterator[str]:
    from emg_cli.kubectl.cluster import Where, connected  # noqa: PLC0415 - half a second that commands do without
    from emg_session.errors import Failure  # noqa: PLC0415 - the same

    given = {name: value for name, value in pairwise(before) if name in _WITH_VALUES}

    async def names() -> list[str]:
        where = Where(
            namespace=given.get("--namespace", given.get("-n")),
            context=given.get("--context"),
            kubeconfig=given.get("--kubeconfig"),
        )
        async with connected(where) as cluster:
            return [body["metadata"]["name"] for body in await cluster.bodies()]

    try:
        yield from asyncio.run(names())
    except Failure:
        return
