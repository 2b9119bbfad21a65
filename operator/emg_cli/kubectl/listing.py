"""`kubectl emg list`."""

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter

from emg_cli.kubectl.cluster import HERE, Everywhere, Where, connected
from emg_cli.kubectl.columns import age, print_columns, told
from emg_cli.output import AsJson, print_json
from emg_session.errors import InvalidSession
from emg_session.resource import EMGSession
from emg_session.status import ConditionType, Reason, reason_in

HEAD = ("NAMESPACE", "NAME", "STATUS", "QUALITY", "SUBJECT", "DURATION", "CONTRACTIONS", "ATTEMPTS", "PROFILE", "AGE")


def _word(name: str) -> str:
    """Return the word that people read for a name that Python has; a word stays what it is."""
    return Reason[name].value if name in Reason.__members__ else name


_Word = Annotated[Reason, Parameter(name="--reason", name_transform=_word)]


def list_sessions(
    *,
    subject: str | None = None,
    reason: _Word | None = None,
    all_namespaces: Everywhere = False,
    json: AsJson = False,
    where: Where = HERE,
) -> None:
    """List sessions, the newest first, by subject or by where they stand.

    Parameters
    ----------
    subject
        Only this subject's.
    reason
        Only those that stand there, such as Retrying.
    all_namespaces
        Those of every namespace.
    json
        Print them whole, as JSON.
    """
    found = asyncio.run(_found(where, everywhere=all_namespaces))
    chosen = [body for body in found if _fits(body, subject, reason)]
    if json:
        print_json(chosen)
    else:
        now = datetime.now(UTC)
        print_columns(HEAD, [row(session, now) for session in readable(chosen)])


async def _found(where: Where, *, everywhere: bool) -> Sequence[Mapping[str, Any]]:
    async with connected(where, everywhere=everywhere) as cluster:
        found = await cluster.bodies()
    return sorted(found, key=lambda body: str(body["metadata"]["creationTimestamp"]), reverse=True)


def _fits(body: Mapping[str, Any], subject: str | None, reason: Reason | None) -> bool:
    if subject is not None and body["spec"].get("subject") != subject:
        return False
    return reason is None or reason_in(body.get("status") or {}) is reason


def readable(bodies: Iterable[Mapping[str, Any]]) -> list[EMGSession]:
    """Return the sessions that can be read, and say which can't."""
    sessions = []
    for body in bodies:
        try:
            sessions.append(EMGSession.from_body(body))
        except InvalidSession as failure:
            sys.stderr.write(f"left out: {failure}\n")
    return sessions


def row(session: EMGSession, now: datetime) -> tuple[str, ...]:
    """Return what is told of a session, below HEAD."""
    status = session.status
    quality = status.condition(ConditionType.QUALITY_OK)
    return (
        session.namespace,
        session.name,
        status.reason,
        told(quality and quality.status),
        told(session.spec.subject),
        told(status.duration),
        told(status.result and status.result.contractions),
        str(len(status.attempts)),
        session.spec.profile,
        age(session.created_at, now),
    )
