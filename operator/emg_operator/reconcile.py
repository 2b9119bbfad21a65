"""The loop: remember what the watches show, decide, act, write the status; in a cluster and on one machine alike."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from emg_operator.bodies import Bodies, Body, Kind
from emg_operator.cluster import Cluster, JobRefused
from emg_operator.decisions import DatabaseState, NextStep, NoSummary, decide_next, refused_step
from emg_operator.events import build_event, occurrences
from emg_operator.job_view import JobState, JobView, is_attempt_of, view_job
from emg_operator.manifests import build_job
from emg_operator.metrics import Metrics
from emg_operator.queue import WorkQueue
from emg_operator.settings import OperatorSettings
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore
from emg_session.errors import DatabaseUnavailable, Failure, InvalidSession
from emg_session.resource import SESSION_LABEL, EMGSession
from emg_session.status import Reason, SessionStatus, reason_in
from emg_session.summary import summary_facts

log = logging.getLogger(__name__)

_WORKERS = 4


@dataclass
class _Children:
    """The Jobs and pods of one session, by name."""

    jobs: Bodies = field(default_factory=partial(Bodies, Kind.JOB))
    pods: Bodies = field(default_factory=partial(Bodies, Kind.POD))


class Reconciler:
    """Brings every session one step further whenever something about it changes."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        summaries: SummaryStore,
        settings: OperatorSettings,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._summaries = summaries
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._queue = WorkQueue(self._reconcile)
        self._sessions = Bodies(Kind.SESSION)
        # The watches of the three kinds start at once: Jobs and pods may be seen long before their session.
        self._children: defaultdict[str, _Children] = defaultdict(_Children)
        # Of finished sessions, thousands of which lie in a cluster, only how they ended is kept.
        self._finished: dict[str, Reason] = {}
        metrics.follow_sessions(self._count_by_reason)
        metrics.follow_queue(self._queue.length, self._queue.oldest_seconds)

    def observe(self, kind: Kind, event: str | None, body: Body) -> None:
        """Take in what a watch shows; everything is shown again at start-up, so this must be idempotent."""
        gone = event == "DELETED"
        match kind:
            case Kind.SESSION:
                self._observe_session(body, gone=gone)
            case Kind.JOB:
                self._observe_child(body, lambda children: children.jobs, gone=gone)
            case Kind.POD:
                self._observe_child(body, lambda children: children.pods, gone=gone)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self.start(group)

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start the workers, each a task that runs until cancelled."""
        return [group.create_task(self._queue.run()) for _ in range(_WORKERS)]

    def _observe_session(self, body: Body, *, gone: bool) -> None:
        key = _key(body["metadata"]["namespace"], body["metadata"]["name"])
        self._finished.pop(key, None)
        if gone:
            self._forget(key)
        else:
            self._sessions.keep(key, body)
            self._queue.add(key)

    def _observe_child(self, body: Body, kept: Callable[[_Children], Bodies], *, gone: bool) -> None:
        meta = body["metadata"]
        key, name = _key(meta["namespace"], meta["labels"][SESSION_LABEL]), meta["name"]
        if key in self._finished:
            return
        children = self._children[key]
        if gone:
            kept(children).drop(name)
        else:
            kept(children).keep(name, body)
        if not (len(children.jobs) or len(children.pods)):
            del self._children[key]
        self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        body = self._sessions.get(key)
        session = None if body is None else _parse(body)
        if body is None or session is None:
            return None
        if session.status.finished:
            self._finished[key] = session.status.reason
            self._forget(key)
            return None
        jobs = self._jobs_of(session)
        database = await self._database_state(session, jobs)
        step = decide_next(session, jobs, database, self._now(), self._settings)
        step = await self._with_job(session, jobs, step)
        if step.status != session.status:
            await self._save_status(key, body, step.status)
            self._metrics.progressed(session, step.status, self._now())
            await self._tell(session, step.status)
        return step.again_after_s

    def _jobs_of(self, session: EMGSession) -> list[JobView]:
        """Return the session's own Jobs: not those of one of its name before, nor anybody's with our label."""
        children = self._children[_key(session.namespace, session.name)]
        own, pods = (job for job in children.jobs.all() if is_attempt_of(session.uid, job)), [*children.pods.all()]
        return [view_job(job, pods) for job in own]

    async def _with_job(self, session: EMGSession, jobs: Sequence[JobView], step: NextStep) -> NextStep:
        if step.attempt is None:
            return step
        try:
            await self._cluster.create_job(build_job(session, step.attempt, self._settings))
        except JobRefused as refusal:
            return refused_step(session, jobs, str(refusal), self._now())
        self._metrics.attempts.inc()
        return step

    async def _save_status(self, key: str, body: Body, status: SessionStatus) -> None:
        saved = await self._cluster.save_status(body, status)
        log.info("session=%s status=%s", key, status.reason)
        # Our own write is acted on at once; but what the watch has brought meanwhile is newer than its echo.
        known = self._sessions.get(key)
        if known is not None and known["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]:
            self._sessions.keep(key, saved)

    async def _tell(self, session: EMGSession, status: SessionStatus) -> None:
        """Tell people; nothing depends on it, so what can't be told now is not told."""
        for occurrence in occurrences(session.status, status):
            event = build_event(session, status, occurrence, reporter=self._settings.holder, now=self._now())
            try:
                await self._cluster.create_event(event)
            except Failure as failure:
                log.warning("session=%s event=%s not told: %s", session.name, occurrence.reason, failure)

    async def _database_state(self, session: EMGSession, jobs: Sequence[JobView]) -> DatabaseState:
        """Ask for the summary once a Job has ended; a worker may be killed after it has stored."""
        if not any(job.state in (JobState.SUCCEEDED, JobState.FAILED) for job in jobs):
            return NoSummary.NOT_ASKED
        try:
            summary = await self._summaries.load_summary(session.name, WorkerContract.of(session).parameters())
        except DatabaseUnavailable:
            return NoSummary.UNREACHABLE
        return NoSummary.MISSING if summary is None else summary_facts(summary)

    def _count_by_reason(self) -> dict[Reason, int]:
        open_ones = (reason_in(body.get("status", {})) for body in self._sessions.all())
        return Counter([*self._finished.values(), *open_ones])

    def _forget(self, key: str) -> None:
        self._sessions.drop(key)
        self._children.pop(key, None)


def _key(namespace: str, name: str) -> str:
    """Name a session among those of all namespaces, in memory and in logs."""
    return f"{namespace}/{name}"


def _parse(body: Body) -> EMGSession | None:
    try:
        return EMGSession.from_body(body)
    except InvalidSession as failure:
        log.warning("session=%s can't be read: %s", body["metadata"]["name"], failure)
        return None
