"""What the watches have shown of every session that is not finished, and of its Jobs and pods."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from emg_operator.bodies import Bodies, Body, Kind
from emg_operator.job_view import JobView, is_attempt_of, view_job
from emg_session.resource import SESSION_LABEL, EMGSession
from emg_session.status import Reason, reason_in

# kopf tells of no deletion that it missed while its watch was broken: what is not heard of for long is asked about.
_NEWS_LAST = timedelta(seconds=290)


@dataclass
class _Children:
    """The Jobs and pods of one session, by name, and when something was last heard of them."""

    jobs: Bodies = field(default_factory=partial(Bodies, Kind.JOB))
    pods: Bodies = field(default_factory=partial(Bodies, Kind.POD))
    heard_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Family:
    """A session with its Jobs, as the cluster itself has them."""

    session: Body
    jobs: list[Body]


class Observed:
    """Bodies by namespace and name; of finished sessions, thousands of which lie in a cluster, only how they ended."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._sessions = Bodies(Kind.SESSION)
        self._finished: dict[str, Reason] = {}
        # The watches of the three kinds start at once: Jobs and pods may be seen long before their session.
        self._children: defaultdict[str, _Children] = defaultdict(_Children)

    def take(self, kind: Kind, event: str | None, body: Body) -> str | None:
        """Take in what a watch shows and return the session's key, or None where it is no news to anybody.

        Everything is shown again at start-up.
        """
        gone = event == "DELETED"
        match kind:
            case Kind.SESSION:
                return self._take_session(body, gone=gone)
            case Kind.JOB:
                return self._take_child(body, lambda children: children.jobs, gone=gone)
            case Kind.POD:
                return self._take_child(body, lambda children: children.pods, gone=gone)

    def body(self, key: str) -> Body | None:
        """Return the newest body of an unfinished session."""
        return self._sessions.get(key)

    def is_finished(self, key: str) -> bool:
        """Whether this session has been seen finished."""
        return key in self._finished

    def jobs_of(self, session: EMGSession) -> list[JobView]:
        """Return the session's own Jobs: not those of one of its name before, nor anybody's with our label."""
        children = self._children.get(session.key)
        if children is None:
            return []
        own, pods = (job for job in children.jobs.all() if is_attempt_of(session.uid, job)), [*children.pods.all()]
        return [view_job(job, pods) for job in own]

    def is_out_of_date(self, key: str) -> bool:
        """Whether nothing was heard for so long that the cluster should be asked; also where a clock jumped."""
        children = self._children.get(key)
        if children is None or children.heard_at is None:
            return False
        return not timedelta(0) <= self._now() - children.heard_at < _NEWS_LAST

    def replace(self, key: str, old: Body, new: Body) -> None:
        """Keep what our own write returned, unless a watch has brought something meanwhile, which is newer."""
        known = self._sessions.get(key)
        if known is not None and known["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]:
            self._sessions.keep(key, new)

    def take_family(self, key: str, family: Family) -> None:
        """Keep exactly the Jobs that the cluster itself has; a pod without its Job means nothing."""
        self._take_session(family.session, gone=False)
        children = self._children[key]
        children.jobs = Bodies(Kind.JOB)
        for job in family.jobs:
            children.jobs.keep(job["metadata"]["name"], job)
        children.heard_at = self._now()

    def add_job(self, key: str, job: Body) -> None:
        """Keep a Job of our own making, unless a watch has shown it already."""
        children = self._children[key]
        if children.jobs.get(job["metadata"]["name"]) is None:
            children.jobs.keep(job["metadata"]["name"], job)
        children.heard_at = self._now()

    def finish(self, key: str, reason: Reason) -> None:
        """Keep only how it ended."""
        self.forget(key)
        self._finished[key] = reason

    def count_by_reason(self) -> dict[Reason, int]:
        """Return how many sessions there are of each word that people read."""
        unfinished = (reason_in(body.get("status", {})) for body in self._sessions.all())
        return Counter([*self._finished.values(), *unfinished])

    def forget(self, key: str) -> None:
        """Drop a session that is gone."""
        self._sessions.drop(key)
        self._children.pop(key, None)
        self._finished.pop(key, None)

    def _take_session(self, body: Body, *, gone: bool) -> str:
        key = _key(body, body["metadata"]["name"])
        self._finished.pop(key, None)
        if gone:
            self.forget(key)
        else:
            self._sessions.keep(key, body)
        return key

    def _take_child(self, body: Body, kept: Callable[[_Children], Bodies], *, gone: bool) -> str | None:
        key = _key(body, body["metadata"]["labels"][SESSION_LABEL])
        if key in self._finished:
            return None
        children = self._children[key]
        children.heard_at = self._now()
        if gone:
            kept(children).drop(body["metadata"]["name"])
        else:
            kept(children).keep(body["metadata"]["name"], body)
        if not (len(children.jobs) or len(children.pods)):
            del self._children[key]
        return key


def _key(body: Body, session_name: str) -> str:
    return f"{body['metadata']['namespace']}/{session_name}"
