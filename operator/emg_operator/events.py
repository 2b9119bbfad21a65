"""Kubernetes Events for people: few, and each at most once, as its name comes from what it tells. Pure.

They tell the top condition's reason and sentence, which hold nothing from inside a recording.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from emg_session.resource import API_VERSION, KIND, EMGSession
from emg_session.status import ConditionType, Reason, SessionStatus

_REPORTER = "emg.ghostly/operator"
_ACTION = "Analyze"
_JOB_CREATED = "JobCreated"
_MOST_CHARACTERS = 1024  # of a note, as the API has it
# Steps that every session takes; `kubectl get emgs` shows them.
_EVERYDAY = frozenset({Reason.PENDING, Reason.QUEUED, Reason.RUNNING})
_GOOD = frozenset({Reason.COMPLETED, Reason.SUSPENDED, Reason.SUPERSEDED})


class Weight(StrEnum):
    """An Event's type."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """Something worth telling about a session."""

    weight: Weight
    reason: str
    note: str


def occurrences(before: SessionStatus, after: SessionStatus) -> list[Occurrence]:
    """Return what a new status tells that the one before did not."""
    if after.reason is before.reason or after.reason in _EVERYDAY:
        return []
    weight = Weight.NORMAL if after.reason in _GOOD else Weight.WARNING
    return [Occurrence(weight=weight, reason=after.reason, note=_sentence(after))]


def job_created(name: str, memory_mib: int) -> Occurrence:
    """Return what to tell of a Job that was just made."""
    return Occurrence(weight=Weight.NORMAL, reason=_JOB_CREATED, note=f"{name} has {memory_mib} MiB")


def build_event(session: EMGSession, occurrence: Occurrence, *, reporter: str, now: datetime) -> dict[str, Any]:
    """Build the manifest of an Event; the same said again of the same attempt is the same Event."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": _name(session, occurrence), "namespace": session.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": occurrence.weight.value,
        "reason": occurrence.reason,
        "note": occurrence.note[:_MOST_CHARACTERS],
        "action": _ACTION,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": session.namespace,
            "name": session.name,
            "uid": session.uid,
        },
        "reportingController": _REPORTER,
        "reportingInstance": reporter,
    }


def _name(session: EMGSession, occurrence: Occurrence) -> str:
    told = "\n".join((session.uid, session.status.job_name or "", occurrence.reason))
    return f"{session.name}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _sentence(status: SessionStatus) -> str:
    top = status.condition(ConditionType.SUCCEEDED)
    return top.message if top else ""
