"""`kubectl emg rerun` and `replay`: a session once more."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from emg_cli.kubectl.cluster import HERE, Cluster, Where, connected
from emg_cli.output import AsJson, print_bytes, working
from emg_session.errors import InvalidSettings
from emg_session.resource import API_VERSION, KIND, RERUN_ANNOTATION


def rerun(*names: str, json: AsJson = False, where: Where = HERE) -> None:
    """Have sessions analysed once more, though they have a result.

    The new result takes the place of one by the same program, and stands beside one by an earlier.

    Parameters
    ----------
    names
        The sessions' names.
    json
        Print a line of JSON for each.
    """
    change = {"metadata": {"annotations": {RERUN_ANNOTATION: datetime.now(UTC).isoformat()}}}
    asyncio.run(_each(names, where, _told("is analysed once more", json=json), partial(_merge, change)))


def replay(*names: str, json: AsJson = False, where: Where = HERE) -> None:
    """Make sessions anew, as if their notices came just now: with no attempt behind them.

    Their results stay; a session that has one ends at once.

    Parameters
    ----------
    names
        The sessions' names.
    json
        Print a line of JSON for each.
    """
    asyncio.run(_each(names, where, _told("is made anew", json=json), _replay))


def _told(done: str, *, json: bool) -> Callable[[str], bytes]:
    """Return how a session that is done with is told of."""
    if json:
        return lambda name: msgspec.json.encode({"name": name, "done": done})
    return lambda name: f"{name} {done}".encode()


async def _each(
    names: tuple[str, ...],
    where: Where,
    told: Callable[[str], bytes],
    change: Callable[[Cluster, str], Awaitable[None]],
) -> None:
    if not names:
        raise InvalidSettings("no session was named: see `kubectl emg list`")
    async with connected(where) as cluster:
        for number, name in enumerate(names, start=1):
            with working(f"{name} ({number} of {len(names)})"):
                await change(cluster, name)
            print_bytes(told(name))


async def _merge(change: dict[str, Any], cluster: Cluster, name: str) -> None:
    await cluster.merge(name, change)


async def _replay(cluster: Cluster, name: str) -> None:
    """Delete and create, once it is known that the second can work; what is lost in between is told whole."""
    body = await cluster.body(name)
    manifest = anew(body)
    await cluster.try_create(manifest)
    with ExitStack() as unless_made:
        unless_made.callback(_tell, manifest)
        await cluster.delete(name, body["metadata"]["uid"])
        await cluster.await_no_jobs(name)
        await cluster.create(manifest)
        unless_made.pop_all()


def _tell(manifest: dict[str, Any]) -> None:
    sys.stderr.write("not made anew; should the session be gone, give this to `kubectl create -f -`:\n")
    sys.stderr.write(msgspec.json.encode(manifest).decode() + "\n")


def anew(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a session was created from; where it stands and whose it is are left behind."""
    told = body["metadata"]
    metadata = {field: told[field] for field in ("name", "namespace", "labels") if field in told}
    annotations = {name: value for name, value in told.get("annotations", {}).items() if name != RERUN_ANNOTATION}
    metadata |= {"annotations": annotations} if annotations else {}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": body["spec"]}
