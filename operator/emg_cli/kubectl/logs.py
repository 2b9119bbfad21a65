"""`kubectl emg logs`."""

import asyncio
import sys

from emg_cli.kubectl.cluster import HERE, Cluster, NoSuchSession, Where, connected
from emg_session.resource import SESSION_LABEL, EMGSession
from emg_session.status import Attempt

_JOB_LABEL = "batch.kubernetes.io/job-name"


def logs(name: str, *, attempt: int | None = None, where: Where = HERE) -> None:
    """Print what the worker of an attempt said, the newest one's by default.

    Parameters
    ----------
    name
        The session's name.
    attempt
        The number of the attempt, as `kubectl emg show` tells it.
    """
    sys.stdout.write(asyncio.run(_said(name, attempt, where)))


async def _said(name: str, number: int | None, where: Where) -> str:
    async with connected(where) as cluster:
        session = EMGSession.from_body(await cluster.body(name))
        attempt = _attempt(session, number)
        pods = await cluster.pods(f"{SESSION_LABEL}={name},{_JOB_LABEL}={attempt.job}")
        if pods:
            return await _of_pods(cluster, pods)
    return _kept(attempt)


async def _of_pods(cluster: Cluster, pods: list[str]) -> str:
    """Return what a Job's pods said; it has several where a node was drained."""
    return "".join([await cluster.log(pod) for pod in pods])


def _attempt(session: EMGSession, number: int | None) -> Attempt:
    found = [one for one in session.status.attempts if number in (None, one.number)]
    if not found:
        which = f"attempt {number}" if number else "attempt yet"
        raise NoSuchSession(f"{session.name} has no {which}: see `kubectl emg why {session.name}`")
    return found[-1]


def _kept(attempt: Attempt) -> str:
    """Return the last words, which outlive the pod."""
    sys.stderr.write(f"the pod of {attempt.job} is gone; its last words were kept:\n")
    return f"{attempt.log}\n" if attempt.log else ""
