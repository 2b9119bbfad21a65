"""A decision taken on a session whose recording is there, with Jobs and answers as a test gives them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from emg_operator.decisions import NextStep, decide_next
from emg_operator.job_view import JobState, JobView
from emg_operator.surroundings import DatabaseState, NoSummary, Readable, Rival, Surroundings
from emg_session.resource import EMGSession
from emg_session.status import Reason, Truth
from tests.support.sessions import NOW, SETTINGS, SPEC, session

NEWER, TIED = Rival(session="emg-other", is_newer=True), Rival(session="emg-other", is_newer=False)
THERE = Surroundings(object=Readable(size_bytes=2_867_920), has_place=True, has_all_children=True)


def view(state: JobState, **fields: Any) -> JobView:
    over = state in (JobState.SUCCEEDED, JobState.FAILED)
    given_fields = {"attempt": 1, "memory_mib": 136, "over": over, "uid": "job"} | fields
    if state is JobState.SUCCEEDED:
        given_fields = {"exit_code": 0, "finished_at": NOW} | given_fields
    name = f"{session().name}-a{given_fields['attempt']}"
    return JobView(name=name, state=state, created_at=NOW, **given_fields)


def failed(reason: Reason, **fields: Any) -> JobView:
    return view(JobState.FAILED, reason=reason, finished_at=NOW, **fields)


def decide(
    *jobs: JobView,
    database: DatabaseState = NoSummary.MISSING,
    of: EMGSession | None = None,
    later_s: float = 0,
    given: Surroundings = THERE,
    **settings: Any,
) -> NextStep:
    moment = NOW + timedelta(seconds=later_s)
    return decide_next(of or session(), jobs, database, moment, replace(SETTINGS, **settings), surroundings=given)


def top(step: NextStep) -> tuple[Truth, Reason]:
    condition = step.status.top
    assert condition is not None
    return condition.status, condition.reason


def after(step: NextStep, **spec: Any) -> EMGSession:
    """Return the session as it is once a step's status is written."""
    return session(msgspec.structs.replace(SPEC, **spec), **msgspec.to_builtins(step.status))
