"""The loop: remember what the watches show, decide, act; in a cluster and on one machine alike."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from emg_operator.answers import Answers, Recordings, Summaries
from emg_operator.bodies import Body, Kind
from emg_operator.cluster import Cluster, JobRefused, SessionGone, StatusConflict
from emg_operator.decisions import NextStep, decide_next, refused_step
from emg_operator.events import Occurrence, build_event, job_created, occurrences
from emg_operator.learning import Learned
from emg_operator.manifests import AttemptPlan, build_job, job_name
from emg_operator.metrics import Metrics
from emg_operator.observed import Observed
from emg_operator.places import Places
from emg_operator.queue import Queue, Work, WorkQueue
from emg_operator.settings import OperatorSettings
from emg_operator.surroundings import DatabaseState, NoSummary, Question, Surroundings
from emg_operator.unreadable import read_session, refusal
from emg_operator.versions import Versions
from emg_operator.worker_pod import in_queue
from emg_session.errors import Failure, InvalidSession
from emg_session.resource import EMGSession
from emg_session.status import SessionStatus

log = logging.getLogger(__name__)

_WORKERS = 4
_NAME_TAKEN_AGAIN_S = 1.0


class Reconciler:
    """Brings every session one step further whenever something about it changes."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        summaries: Summaries,
        recordings: Recordings | None,
        settings: OperatorSettings,
        metrics: Metrics,
        now: Callable[[], datetime],
        queue_for: Callable[[Work], Queue] = WorkQueue,
    ) -> None:
        self._cluster = cluster
        self._answers = Answers(summaries, recordings, now)
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self.queue = queue_for(self.step)
        self._observed = Observed(now)
        self._versions = Versions()
        self._learned = Learned(settings)
        self._places = Places(settings.most_jobs, self.queue.add)
        metrics.follow_sessions(self._observed.count_by_reason)
        metrics.follow_queue(self.queue.length, self.queue.oldest_seconds)

    async def prime(self) -> None:
        """Count the Jobs that run already before any other is made; needed only where they are bounded."""
        if not self._settings.most_jobs:
            return
        async for body in self._cluster.list_sessions():
            with suppress(InvalidSession):
                session = in_queue(read_session(body), self._settings.queue)
                if not session.status.finished and session.status.attempts:
                    self._places.hold(session.key, _subject(session))
                    self.queue.add(session.key)

    def observe(self, kind: Kind, event: str | None, body: Body) -> None:
        """Take in what a watch shows; everything is shown again at start-up, so this must be idempotent."""
        key = self._observed.take(kind, event, body)
        if key is None:
            return
        if kind is Kind.SESSION and event == "DELETED":
            self._forget(key)
        else:
            self.queue.add(key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self.start(group)

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start the workers, each a task that runs until cancelled."""
        return [group.create_task(self.queue.run()) for _ in range(_WORKERS)]

    async def step(self, key: str) -> float | None:
        """Bring one session a step further; return when to look again though nothing changes."""
        try:
            body = await self._body(key)
            session = None if body is None else await self._read(key, body)
            if body is None or session is None:
                return None
            self._compare(session)
            if self._observed.is_out_of_date(key):
                await self._look(session, body)
            return await self._act(body, session, *await self._decide(session, body))
        except SessionGone:
            self._forget(key)
            return None

    async def _body(self, key: str) -> Body | None:
        """Return the body as the watch brought it; that of a finished session, which is not kept, is loaded again."""
        if self._observed.is_finished(key):
            self._observed.take(Kind.SESSION, None, await self._cluster.load_session(*key.split("/")))
        return self._observed.body(key)

    async def _read(self, key: str, body: Body) -> EMGSession | None:
        """Parse a session; of one that can't be read, tell which field is at fault, once."""
        try:
            return in_queue(read_session(body), self._settings.queue)
        except InvalidSession as failure:
            log.warning("session=%s can't be read: %s", key, failure)
            self._versions.forget(key)
            self._places.release(key)
            if status := refusal(body, failure, self._now()):
                self._observed.replace(key, body, await self._cluster.save_status(body, status))
            return None

    async def _look(self, session: EMGSession, body: Body) -> None:
        """Ask the cluster itself for a session and its Jobs; raises SessionGone, StatusConflict."""
        family = await self._cluster.load_family(session.namespace, session.name)
        self._observed.take_family(session.key, family)
        if family.session["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise StatusConflict("the session is another one now than the watch has shown")

    async def _decide(self, session: EMGSession, body: Body) -> tuple[NextStep, Surroundings]:
        """Decide, with an answer to each question on the way; none is asked twice."""
        database: DatabaseState = NoSummary.NOT_ASKED
        surroundings = Surroundings(
            rival=self._versions.rival_of(session), memory_permille=self._learned.permille(session.spec.profile)
        )
        while True:
            jobs = self._observed.jobs_of(session)
            step = decide_next(session, jobs, database, self._now(), self._settings, surroundings=surroundings)
            match step.ask:
                case None:
                    return step, surroundings
                case Question.CHILDREN:
                    await self._look(session, body)
                    surroundings = replace(surroundings, has_all_children=True)
                case Question.DATABASE:
                    database = await self._answers.database(session)
                case Question.OBJECT:
                    surroundings = replace(surroundings, object=await self._answers.object(session))
                case Question.PLACE:
                    has_place = self._places.take(session.key, _subject(session), session.created_at)
                    surroundings = replace(surroundings, has_place=has_place)

    async def _act(self, body: Body, session: EMGSession, step: NextStep, surroundings: Surroundings) -> float | None:
        """Do what was decided, in an order that can be broken off anywhere.

        An attempt is planned in the status before its Job is made. Only one writer can do that at a time, and whoever
        comes after a crash makes the same Job.
        """
        self._settle_place(session, step, surroundings)
        planned = {attempt.number for attempt in session.status.attempts}
        if step.attempt is None or step.attempt.number not in planned:
            body, session = await self._save_status(body, session, step.status)
        if step.attempt:
            step = await self._make_job(session, step, step.attempt, surroundings)
            self._settle_place(session, step, surroundings)
            body, session = await self._save_status(body, session, step.status)
        for job in step.stop:
            await self._cluster.delete_job(session.namespace, job.name, job.uid)
        if step.remove:
            await self._cluster.delete_session(body)
        if session.status.finished:
            self._finish(session)
        return step.again_after_s

    async def _make_job(
        self, session: EMGSession, step: NextStep, plan: AttemptPlan, surroundings: Surroundings
    ) -> NextStep:
        jobs = self._observed.jobs_of(session)
        try:
            job = await self._cluster.create_job(build_job(session, plan, self._settings))
        except JobRefused as refusal:
            return refused_step(session, jobs, surroundings, str(refusal), self._now())
        if job is not None:
            self._metrics.attempts.inc()
            self._observed.add_job(session.key, job)
            await self._tell(session, [job_created(job_name(session.name, plan.number), plan.memory_mib)])
        elif surroundings.has_all_children:
            taken = f"{job_name(session.name, plan.number)} is there already and is not this session's: delete it"
            return refused_step(session, jobs, surroundings, taken, self._now())
        return step if job else replace(step, again_after_s=_NAME_TAKEN_AGAIN_S)

    async def _save_status(self, body: Body, session: EMGSession, status: SessionStatus) -> tuple[Body, EMGSession]:
        """Write a status if it says anything new."""
        if status == session.status:
            return body, session
        saved = await self._cluster.save_status(body, status)
        log.info("session=%s status=%s", session.key, status.reason)
        self._observed.replace(session.key, body, saved)
        self._metrics.progressed(session, status, self._now())
        news = occurrences(session.status, status)
        session = replace(session, status=status)
        await self._tell(session, news)
        return saved, session

    async def _tell(self, session: EMGSession, news: Sequence[Occurrence]) -> None:
        """Tell people; nothing depends on it, so what can't be told now is not told."""
        for occurrence in news:
            event = build_event(session, occurrence, reporter=self._settings.holder, now=self._now())
            try:
                await self._cluster.create_event(event)
            except Failure as failure:
                log.warning("session=%s event=%s not told: %s", session.key, occurrence.reason, failure)

    def _settle_place(self, session: EMGSession, step: NextStep, surroundings: Surroundings) -> None:
        if step.occupies:
            self._places.hold(session.key, _subject(session))
        elif surroundings.has_place is not False:  # else it stands in line
            self._places.release(session.key)

    def _compare(self, session: EMGSession) -> None:
        """Have those looked at for whom it is news that this session is there, or superseded."""
        for other in self._versions.observe(session):
            self.queue.add(other)

    def _finish(self, session: EMGSession) -> None:
        self._compare(session)
        self._learned.observe(session)
        self._observed.finish(session.key, session.status.reason)

    def _forget(self, key: str) -> None:
        self._observed.forget(key)
        self._versions.forget(key)
        self._learned.forget(key)
        self._places.release(key)


def _subject(session: EMGSession) -> str:
    return session.spec.subject or ""
