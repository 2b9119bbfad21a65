"""What is told of a session that can't be read, as another version of the definition let it in. Pure."""

from dataclasses import replace
from datetime import datetime

import msgspec

from emg_operator.bodies import Body
from emg_session.errors import InvalidSession
from emg_session.resource import EMGSession
from emg_session.status import ConditionType, Reason, SessionStatus, Truth, set_condition

# In place of what was asked for: whatever is asked for once it can be read is another run.
_NOTHING_ASKED = SessionStatus(request="unreadable")


def read_session(body: Body) -> EMGSession:
    """Parse a body; a status that can't be read is made anew from Jobs and database. Raises InvalidSession."""
    try:
        return EMGSession.from_body(body)
    except InvalidSession as failure:
        if not failure.field.startswith("status"):
            raise
    return replace(EMGSession.from_body(body | {"status": {}}), status=_NOTHING_ASKED)


def refusal(body: Body, failure: InvalidSession, now: datetime) -> SessionStatus | None:
    """Return the status of a session that can't be read; None where it is told already."""
    generation = body["metadata"].get("generation", 1)
    sentence = (
        f"{failure.field} can't be read by this version of the operator: correct it (`kubectl explain "
        f"emgsession.{failure.field.partition('[')[0]}` says how), or delete the session and make it anew"
    )
    if _is_told(body, sentence, generation):
        return None
    status = msgspec.structs.replace(_NOTHING_ASKED, observed_generation=generation, finished_at=_seconds(now))
    for kind, truth, reason, message in (
        (ConditionType.ACCEPTED, Truth.FALSE, Reason.INVALID, sentence),
        (ConditionType.OBJECT_AVAILABLE, Truth.UNKNOWN, Reason.NOT_READ_YET, ""),
        (ConditionType.JOB_CREATED, Truth.FALSE, Reason.NO_JOB_YET, ""),
        (ConditionType.ANALYZED, Truth.FALSE, Reason.NO_SUMMARY, ""),
        (ConditionType.QUALITY_OK, Truth.UNKNOWN, Reason.NO_SUMMARY, ""),
        (ConditionType.SUPERSEDED, Truth.FALSE, Reason.NEWEST_VERSION, ""),
        (ConditionType.SUCCEEDED, Truth.FALSE, Reason.INTERNAL_ERROR, sentence),
    ):
        status = set_condition(status, kind, truth, reason, message, generation=generation, now=now)
    return status


def _is_told(body: Body, sentence: str, generation: int) -> bool:
    conditions = (body.get("status") or {}).get("conditions", [])
    told = [(c.get("message"), c.get("observedGeneration")) for c in conditions if c.get("type") == "Succeeded"]
    return told == [(sentence, generation)]


def _seconds(now: datetime) -> datetime:
    return now.replace(microsecond=0)
