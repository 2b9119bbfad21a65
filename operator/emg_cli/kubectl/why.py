"""`kubectl emg why`: each reason in words, with what to do."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from emg_cli.kubectl.cluster import HERE, Where
from emg_cli.kubectl.show import body_of
from emg_cli.output import AsJson, print_json
from emg_session.resource import EMGSession
from emg_session.status import Condition, ConditionType, Reason, Truth


@dataclass(frozen=True)
class Explanation:
    """What a reason means, and the next step."""

    cause: str
    next_step: str


_NOTHING = "Nothing."
_WAIT = "Nothing: it goes on by itself."

EXPLANATIONS = {
    Reason.PENDING: Explanation(
        "The operator has not come to it, or its pod can't start: no node has room, or its image can't be had.",
        "Look at `kubectl get events`, and whether the operator runs and is ready.",
    ),
    Reason.WAITING_FOR_OBJECT: Explanation(
        "Storage does not have this version of the recording yet.",
        "Nothing, if the upload may still be under way; else upload it again: it is waited for an hour by default.",
    ),
    Reason.QUEUED: Explanation(
        "As many Jobs run as may at a time, or a queue of Kueue holds this one back.",
        "Nothing, or raise EMG_MAX_CONCURRENT_JOBS or the queue's quota: `kubectl emg top` shows how many wait.",
    ),
    Reason.RUNNING: Explanation("A worker analyses the recording.", _WAIT),
    Reason.RETRYING: Explanation(
        "An attempt failed in a way that another may not; the next one waits its turn.",
        "Look at the last attempt with `kubectl emg show` and `kubectl emg logs` if it goes on for long.",
    ),
    Reason.COMPLETED: Explanation("The summary is in the database.", _NOTHING),
    Reason.BAD_RECORDING: Explanation(
        "The file can't be analysed: it is no C3D file, is cut off, has no EMG channel or is too short; "
        "or the profile or an option does not exist.",
        "Check the file with `emg probe` and `emg verify`, and upload a good one: that is another session.",
    ),
    Reason.OUT_OF_MEMORY: Explanation(
        "The worker needed more memory than the largest attempt was given.",
        "Raise EMG_WORKER_MOST_MEMORY_MIB, or spec.job.memoryMiB, then `kubectl emg rerun`.",
    ),
    Reason.DEADLINE_EXCEEDED: Explanation(
        "The worker took longer than one attempt may.",
        "Raise spec.job.deadlineSeconds or spec.job.cpuMillis, then `kubectl emg rerun`.",
    ),
    Reason.STORAGE_UNAVAILABLE: Explanation(
        "Object storage does not answer, or refuses to show the recording.",
        "Check its address and credentials, and the NetworkPolicy; sessions that wait go on by themselves.",
    ),
    Reason.DATABASE_UNAVAILABLE: Explanation(
        "PostgreSQL does not answer, or refuses the worker's role.",
        "Check EMG_DATABASE_URL, the server and `emg migrate --status`; sessions that wait go on by themselves.",
    ),
    Reason.SUPERSEDED: Explanation(
        "A newer version of the object was uploaded, which has a session of its own.",
        "Look for it with `kubectl emg list --subject`.",
    ),
    Reason.SUSPENDED: Explanation(
        "Somebody set spec.suspend: no Job is made.",
        """Let it go on: kubectl patch emgs NAME --type=merge -p '{"spec":{"suspend":false}}'.""",
    ),
    Reason.INTERNAL_ERROR: Explanation(
        "The worker ended in a way that it should not: it was killed, or has a bug.",
        "Read `kubectl emg logs`; if the recording should be fine, report it with the message.",
    ),
    Reason.VALID: Explanation("The session asks for what can be done.", _NOTHING),
    Reason.INVALID: Explanation(
        "The session asks for a profile, an option or a place that does not exist here.",
        "Read the message; compare with `emg profiles` and EMG_BUCKETS.",
    ),
    Reason.NOT_READ_YET: Explanation("No worker has read the recording so far.", _WAIT),
    Reason.READABLE: Explanation("Storage has this version of the recording.", _NOTHING),
    Reason.READ: Explanation("The worker has read the recording.", _NOTHING),
    Reason.JOB_MADE: Explanation("The session's Job exists.", _NOTHING),
    Reason.NO_JOB_YET: Explanation("No Job was made so far; Succeeded says what it waits for.", _WAIT),
    Reason.SUMMARY_STORED: Explanation("The summary is in the database.", _NOTHING),
    Reason.NO_SUMMARY: Explanation("There is no summary (yet); Succeeded says why.", _WAIT),
    Reason.ALL_USABLE: Explanation("Every channel can be used.", _NOTHING),
    Reason.POOR_CHANNELS: Explanation(
        "Some channels have faults: dropouts, saturation, mains hum or no contact.",
        "See where in the viewer, and check electrodes and cables before the next session.",
    ),
    Reason.NEWEST_VERSION: Explanation("No newer version of the object is known.", _NOTHING),
    Reason.NEWER_VERSION: Explanation(
        "A newer version of the object was uploaded.", "Look for its session with `kubectl emg list --subject`."
    ),
}


def why(name: str, *, json: AsJson = False, where: Where = HERE) -> None:
    """Say why a session stands where it does, and what to do about it.

    Parameters
    ----------
    name
        The session's name.
    json
        Print it as JSON.
    """
    session = EMGSession.from_body(asyncio.run(body_of(name, where)))
    if json:
        print_json({"name": session.name, "why": [*as_data(session)]})
        return
    for line in lines(session):
        sys.stdout.write(line + "\n")


def as_data(session: EMGSession) -> Iterator[dict[str, str]]:
    """Yield the same for programs: the top condition first, then what else is not as it should be."""
    yield _as_data(session.status.reason, session.status.top)
    quality = session.status.condition(ConditionType.QUALITY_OK)
    if quality and quality.status is Truth.FALSE:
        yield _as_data(quality.reason, quality)


def _as_data(reason: Reason, condition: Condition | None) -> dict[str, str]:
    explanation = EXPLANATIONS[reason]
    return {
        "condition": condition.type if condition else ConditionType.SUCCEEDED,
        "reason": reason,
        "message": condition.message if condition else "",
        "cause": explanation.cause,
        "next_step": explanation.next_step,
    }


def lines(session: EMGSession) -> Iterator[str]:
    """Yield why a session stands where it does, and what else is not as it should be."""
    top = session.status.top
    yield f"{session.name}: {session.status.reason}" + (f" ({top.message})" if top and top.message else "")
    yield from _explained(session.status.reason)
    quality = session.status.condition(ConditionType.QUALITY_OK)
    if quality and quality.status is Truth.FALSE:
        yield from _also(quality)


def _also(condition: Condition) -> Iterator[str]:
    yield f"Also {condition.type}: {condition.reason} ({condition.message})"
    yield from _explained(condition.reason)


def _explained(reason: Reason) -> Iterator[str]:
    explanation = EXPLANATIONS[reason]
    yield f"  Cause: {explanation.cause}"
    yield f"  Next:  {explanation.next_step}"
