"""`kubectl emg top`: the queue in numbers."""

import asyncio
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emg_cli.kubectl.cluster import HERE, Everywhere, Where, connected
from emg_cli.kubectl.columns import age, print_columns
from emg_cli.kubectl.listing import readable
from emg_cli.output import AsJson, print_json
from emg_session.resource import EMGSession
from emg_session.status import Reason

_HEAD = ("STATUS", "SESSIONS", "OLDEST", "NEWEST")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The sessions that have one word in common, and since when the first and the last of them exist."""

    reason: Reason
    sessions: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, kw_only=True)
class Load:
    """A queue in numbers; seconds count from a session's creation to its end, None where none ended."""

    waiting: int
    running: int
    ended_last_hour: int
    failed_last_hour: int
    median_seconds: float | None
    attempts_each: float | None
    standings: Sequence[Standing]


def top(
    *,
    all_namespaces: Everywhere = False,
    json: AsJson = False,
    where: Where = HERE,
) -> None:
    """Show the queue: how many wait and run, for how long, and how many end in an hour.

    Parameters
    ----------
    all_namespaces
        Sessions of every namespace.
    json
        Print the numbers as JSON.
    """
    now = datetime.now(UTC)
    load = load_of(asyncio.run(_sessions(where, everywhere=all_namespaces)), now)
    if json:
        print_json(load)
        return
    print_columns(
        _HEAD,
        [(one.reason, str(one.sessions), age(one.oldest, now), age(one.newest, now)) for one in load.standings],
    )
    sys.stdout.write("\n" + sentence(load) + "\n")


async def _sessions(where: Where, *, everywhere: bool) -> list[EMGSession]:
    async with connected(where, everywhere=everywhere) as cluster:
        return readable(await cluster.bodies())


def load_of(sessions: Sequence[EMGSession], now: datetime) -> Load:
    """Return where sessions stand, and what ended in the hour before `now`."""
    unfinished = [one for one in sessions if not one.status.finished]
    ended = [one for one in sessions if _ended_since(one, now - _HOUR)]
    seconds = [(one.status.finished_at - one.created_at).total_seconds() for one in ended if one.status.finished_at]
    running = sum(one.status.reason is Reason.RUNNING for one in unfinished)
    return Load(
        waiting=len(unfinished) - running,
        running=running,
        ended_last_hour=len(ended),
        failed_last_hour=sum(one.status.failed for one in ended),
        median_seconds=statistics.median(seconds) if seconds else None,
        attempts_each=statistics.mean(len(one.status.attempts) for one in ended) if ended else None,
        standings=_standings(sessions),
    )


def sentence(load: Load) -> str:
    """Return the numbers that no column holds."""
    parts = [f"{load.waiting} wait, {load.running} run, {load.ended_last_hour} ended in the last hour"]
    if load.median_seconds is not None and load.attempts_each is not None:
        parts.append(f"{load.failed_last_hour} of them failed")
        parts.append(f"{load.median_seconds:.0f} s each (median) with {load.attempts_each:.2f} attempts")
    return "; ".join(parts)


def _ended_since(session: EMGSession, since: datetime) -> bool:
    return session.status.finished_at is not None and session.status.finished_at >= since


def _standings(sessions: Iterable[EMGSession]) -> list[Standing]:
    created: dict[Reason, list[datetime]] = {}
    for session in sessions:
        created.setdefault(session.status.reason, []).append(session.created_at)
    return [
        Standing(reason=reason, sessions=len(times), oldest=min(times), newest=max(times))
        for reason in Reason
        if (times := created.get(reason))
    ]
