"""Everything the operator watches, one handler each: kopf watches and tells, the reconciler works."""

import logging

import kopf

from emg_operator.bodies import Kind
from emg_operator.reconcile import Reconciler
from emg_operator.stateless import NoDiffs, NoProgress
from emg_session.resource import GROUP, PLURAL, SESSION_LABEL, VERSION

_OF_SESSIONS = {SESSION_LABEL: kopf.PRESENT}
WATCHED = (PLURAL, "jobs", "pods")
# A watch that falls silent is begun anew after 70 s; else a chunk of a list would be waited for for five minutes.
_SECONDS_FOR_A_LIST = 30.0


def watch(registry: kopf.OperatorRegistry, reconciler: Reconciler) -> None:
    """Register a handler for every watched kind."""

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def session_changed(event: kopf.RawEvent, **_: object) -> None:
        reconciler.observe(Kind.SESSION, event["type"], dict(event["object"]))

    @kopf.on.event("batch", "v1", "jobs", labels=_OF_SESSIONS, registry=registry)
    async def job_changed(event: kopf.RawEvent, **_: object) -> None:
        reconciler.observe(Kind.JOB, event["type"], dict(event["object"]))

    @kopf.on.event("v1", "pods", labels=_OF_SESSIONS, registry=registry)
    async def pod_changed(event: kopf.RawEvent, **_: object) -> None:
        reconciler.observe(Kind.POD, event["type"], dict(event["object"]))


def kopf_settings() -> kopf.OperatorSettings:
    """Return settings under which kopf only watches: no annotations, no finalizers, no Events of its own."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # else it lists definitions and namespaces, which takes cluster-wide rights
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDiffs()
    settings.persistence.progress_storage = NoProgress()
    settings.watching.label_selectors["batch/jobs"] = SESSION_LABEL
    settings.watching.label_selectors["pods"] = SESSION_LABEL
    settings.watching.chunk_size = 200
    settings.queueing.idle_timeout = 0.1  # keeps 10,000 sessions in 90 MB instead of 400
    settings.networking.request_timeout = _SECONDS_FOR_A_LIST
    settings.networking.error_backoffs = (0.5, 1, 2, 5, 5, 5)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return settings
