"""The loop: remember what the watches show, decide, act, write the status; in a cluster and on one machine alike."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from emg_operator.cluster import Cluster
from emg_operator.decisions import DatabaseState, NextStep, NoSummary, decide_next
from emg_operator.job_view import JobState, JobView, view_job
from emg_operator.manifests import build_job
from emg_operator.queue import WorkQueue
from emg_operator.settings import OperatorSettings
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore
from emg_session.errors import DatabaseUnavailable, InvalidSession
from emg_session.resource import SESSION_LABEL, EMGSession
from emg_session.status import SessionStatus
from emg_session.summary import summary_facts

log = logging.getLogger(__name__)

Body = dict[str, Any]
_WORKERS = 4


class Kind(StrEnum):
    """What is watched."""

    SESSION = "EMGSession"
    JOB = "Job"
    POD = "Pod"


class Reconciler:
    """Brings every session one step further whenever something about it changes."""

    def __init__(
        self, *, cluster: Cluster, summaries: SummaryStore, settings: OperatorSettings, now: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._summaries = summaries
        self._settings = settings
        self._now = now
        self._queue = WorkQueue(self._reconcile)
        self._sessions: dict[str, Body] = {}
        self._jobs: defaultdict[str, dict[str, Body]] = defaultdict(dict)
        self._pods: defaultdict[str, dict[str, Body]] = defaultdict(dict)

    def observe(self, kind: Kind, event: str | None, body: Body) -> None:
        """Take in what a watch shows; everything is shown again at start-up, so this must be idempotent."""
        name = body["metadata"]["name"]
        session_name = name if kind is Kind.SESSION else body["metadata"]["labels"][SESSION_LABEL]
        known = {Kind.SESSION: self._sessions, Kind.JOB: self._jobs[session_name], Kind.POD: self._pods[session_name]}
        if event == "DELETED":
            known[kind].pop(name, None)
        else:
            body["metadata"].pop("managedFields", None)
            known[kind][name] = body
        self._queue.add(session_name)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self.start(group)

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start the workers, each a task that runs until cancelled."""
        return [group.create_task(self._queue.run()) for _ in range(_WORKERS)]

    async def _reconcile(self, name: str) -> float | None:
        session = self._session(name)
        if session is None or session.status.finished:
            self._forget(name)
            return None
        jobs = [view_job(job, self._pods[name].values()) for job in self._jobs[name].values()]
        database = await self._database_state(session, jobs)
        return await self._act(session, decide_next(session, jobs, database, self._now(), self._settings))

    def _session(self, name: str) -> EMGSession | None:
        body = self._sessions.get(name)
        if body is None:
            return None
        try:
            return EMGSession.from_body(body)
        except InvalidSession as failure:
            log.warning("session=%s can't be read: %s", name, failure)
            return None

    async def _act(self, session: EMGSession, step: NextStep) -> float | None:
        if step.attempt is not None:
            await self._cluster.create_job(build_job(session, step.attempt, self._settings))
        if step.status != session.status:
            await self._save_status(session.name, step.status)
        return step.again_after_s

    async def _save_status(self, name: str, status: SessionStatus) -> None:
        saved = await self._cluster.save_status(self._sessions[name], status)
        log.info("session=%s status=%s", name, status.conditions[-1].reason)
        # Our own write is acted on at once, not only when the watch brings it.
        self._sessions[name] = saved

    async def _database_state(self, session: EMGSession, jobs: Sequence[JobView]) -> DatabaseState:
        if not any(job.state is JobState.SUCCEEDED for job in jobs):
            return NoSummary.NOT_ASKED
        try:
            summary = await self._summaries.load_summary(session.name, WorkerContract.of(session).parameters())
        except DatabaseUnavailable:
            return NoSummary.UNREACHABLE
        return NoSummary.MISSING if summary is None else summary_facts(summary)

    def _forget(self, name: str) -> None:
        """Keep nothing of a finished or deleted session: thousands of them lie in a cluster."""
        for known in (self._sessions, self._jobs, self._pods):
            known.pop(name, None)
