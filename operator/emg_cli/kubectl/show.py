"""`kubectl emg show`."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from emg_cli.kubectl.cluster import HERE, Where, connected
from emg_cli.kubectl.columns import age, print_columns, told
from emg_cli.output import AsJson, print_json
from emg_session.resource import EMGSession

_CONDITIONS = ("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE")
_ATTEMPTS = ("ATTEMPT", "JOB", "MEMORY", "USED", "EXIT", "REASON", "STARTED")


def show(name: str, *, json: AsJson = False, where: Where = HERE) -> None:
    """Show all of a session: what was asked for, its conditions, attempts and result.

    Parameters
    ----------
    name
        The session's name.
    json
        Print it whole, as JSON.
    """
    body = asyncio.run(body_of(name, where))
    if json:
        print_json(body)
        return
    session, now = EMGSession.from_body(body), datetime.now(UTC)
    for fact, value in facts(session, now):
        sys.stdout.write(f"{fact + ':':<14}{value}\n")
    sys.stdout.write("\n")
    print_columns(_CONDITIONS, conditions(session, now))
    if session.status.attempts:
        sys.stdout.write("\n")
        print_columns(_ATTEMPTS, attempts(session, now))


async def body_of(name: str, where: Where) -> Mapping[str, Any]:
    """Return a session's body; raises NoSuchSession."""
    async with connected(where) as cluster:
        return await cluster.body(name)


def facts(session: EMGSession, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what a session was asked for, and what came of it."""
    spec, status = session.spec, session.status
    yield "Name", session.key
    yield "Recording", f"{spec.recording.uri} (version {spec.recording.version})"
    yield "Subject", told(spec.subject)
    yield "Profile", spec.profile + "".join(f", {name} {value}" for name, value in sorted(spec.options.items()))
    yield "Age", age(session.created_at, now)
    if status.recording:
        channels, rate_hz = len(status.recording.channels), status.recording.sample_rate_milli_hz / 1000
        yield "Recorded", f"{status.recording.duration_ms / 1000:g} s of {channels} channels at {rate_hz:g} Hz"
    if status.result:
        score = status.result.overall_score_permille
        yield "Result", f"{status.result.contractions} contractions, {status.result.usable_permille / 10:g} % usable"
        yield "Score", told(score and f"{score / 10:g} %")


def conditions(session: EMGSession, now: datetime) -> list[tuple[str, ...]]:
    """Return a row for each condition."""
    return [
        (one.type, one.status, one.reason, age(one.last_transition_time, now), one.message)
        for one in session.status.conditions
    ]


def attempts(session: EMGSession, now: datetime) -> list[tuple[str, ...]]:
    """Return a row for each attempt."""
    return [
        (
            str(one.number),
            one.job,
            f"{one.memory_mib}Mi",
            told(one.used_mib and f"{one.used_mib}Mi"),
            told(one.exit_code),
            told(one.reason),
            age(one.started_at, now),
        )
        for one in session.status.attempts
    ]
