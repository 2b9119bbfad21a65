"""A cluster in memory: API server, Job controller, kubelet and garbage collector, as far as an operator can tell.

Nothing happens by itself. Every change becomes an event, which somebody has to deliver; whoever writes can be made to
die before or after a write.
"""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from emg_local.cluster import timestamp
from emg_local.job_bodies import JOB_NAME_LABEL, decide_ending, ending_status, finished
from emg_operator.bodies import Body, Kind
from emg_operator.cluster import SessionGone, StatusConflict, status_patch
from emg_operator.observed import Family
from emg_session.contract import TerminationMessage, WorkerContract
from emg_session.errors import (
    DatabaseUnavailable,
    RecordingChanged,
    RecordingNotThere,
    StorageUnavailable,
)
from emg_session.resource import SESSION_LABEL, RecordingRef, SessionSpec, build_session
from emg_session.status import SessionStatus

Event = tuple[Kind, str | None, Body]
DEADLINE_CODE = 143

SUMMARY: dict[str, Any] = {
    "recording": {"sha256": "ab" * 32, "channels": [], "sample_rate_hz": 990.0, "frames": 2476, "duration_s": 75.0},
    "channels": [],
    "muscles": [],
    "scores": {"overall": None},
    "profile": {"digest": "d1"},
    "provenance": {"core_version": "0.1.0"},
}


class Crash(BaseException):
    """The operator's process is gone: nothing catches this."""


@dataclass
class Clock:
    """A clock that goes where it is told to."""

    moment: datetime

    def now(self) -> datetime:
        """Return the time, as one of the operator's dependencies."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Move on, or back."""
        self.moment += timedelta(seconds=seconds)


@dataclass
class Database:
    """The rows that workers stored, by session and parameters."""

    rows: set[tuple[str, str]] = field(default_factory=set)
    away: bool = False

    async def load_summary(
        self, name: str, _recording: RecordingRef, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return a summary where there is a row."""
        if self.away:
            raise DatabaseUnavailable("away")
        return SUMMARY if (name, _words(parameters)) in self.rows else None

    def store(self, contract: WorkerContract) -> None:
        """Do what a worker does."""
        self.rows.add((contract.session_name, _words(contract.parameters())))

    def has(self, name: str, spec: SessionSpec) -> bool:
        """Whether the summary of a session is there."""
        return (name, _words(WorkerContract(session_name=name, spec=spec).parameters())) in self.rows


@dataclass
class Storage:
    """The newest version of each object."""

    versions: dict[str, str] = field(default_factory=dict)
    away: bool = False

    async def size(self, uri: str, version: str) -> int:
        """Return a size in bytes."""
        if self.away:
            raise StorageUnavailable("away")
        if uri not in self.versions:
            raise RecordingNotThere("not there")
        if self.versions[uri] != version:
            raise RecordingChanged("changed")
        return 2_867_920


def copied(body: Body) -> Body:
    """Copy a body, several times faster than the copy module does."""
    copy: Body = msgspec.json.decode(msgspec.json.encode(body))
    return copy


def _words(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)


class SimulatedCluster:
    """Implements the operator's Cluster; `checks` are called with every status that is about to be written."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.bodies: dict[tuple[Kind, str], Body] = {}
        self.events: list[Event] = []
        self.zombies: list[Callable[[], object]] = []
        self.told: list[str] = []
        self.status_writes = 0
        self.jobs_made: list[Body] = []
        self.checks: list[Callable[[Body, SessionStatus], None]] = []
        self.refusal: Exception | None = None
        self.writes_until_crash: int | None = None
        self.crash_after_write = False

    # What the operator asks for.

    async def list_sessions(self) -> AsyncIterator[Body]:
        for body in self.of(Kind.SESSION):
            yield body

    async def load_session(self, _namespace: str, name: str) -> Body:
        if (Kind.SESSION, name) not in self.bodies:
            raise SessionGone("gone")
        return self.get(Kind.SESSION, name)

    async def load_family(self, namespace: str, name: str) -> Family:
        jobs = [job for job in self.of(Kind.JOB) if job["metadata"]["labels"].get(SESSION_LABEL) == name]
        return Family(session=await self.load_session(namespace, name), jobs=jobs)

    async def create_job(self, manifest: Body) -> Body | None:
        if self.refusal:
            raise self.refusal
        return self._write(lambda: self._create_job(manifest))

    async def delete_job(self, _namespace: str, name: str, uid: str) -> None:
        self._write(lambda: self._delete_job(name, uid))

    async def save_status(self, body: Body, status: SessionStatus) -> Body:
        def save() -> Body:
            self._check_version(body)
            current = self.get(Kind.SESSION, body["metadata"]["name"])
            for check in self.checks:
                check(current, status)
            self.status_writes += 1
            merged = current.get("status", {}) | json.loads(json.dumps(status_patch(body, status), default=str))
            return self._save(Kind.SESSION, current | {"status": {k: v for k, v in merged.items() if v is not None}})

        return self._write(save)

    async def delete_session(self, body: Body) -> None:
        def delete() -> None:
            self._check_version(body)
            self.remove(Kind.SESSION, body["metadata"]["name"])

        self._write(delete)

    async def create_event(self, manifest: Body) -> None:
        self.told.append(manifest["reason"])

    # What users and the cluster itself do.

    def create_session(self, spec: SessionSpec, created_name: str | None = None) -> str:
        """Create a session, as the receiver does; one of its name being there means done."""
        body = build_session(spec, namespace="emg")
        if created_name:
            body["metadata"]["name"] = created_name
        name: str = body["metadata"]["name"]
        if (Kind.SESSION, name) not in self.bodies:
            body["metadata"] |= {"generation": 1}
            self._add(Kind.SESSION, body)
        return name

    def change_spec(self, name: str, **fields: Any) -> None:
        """Change a spec, as `kubectl edit` does."""
        body = self.get(Kind.SESSION, name)
        body["spec"] |= fields
        body["metadata"]["generation"] += 1
        self._save(Kind.SESSION, body)

    def annotate(self, name: str, key: str, value: str) -> None:
        """Set an annotation."""
        body = self.get(Kind.SESSION, name)
        body["metadata"].setdefault("annotations", {})[key] = value
        self._save(Kind.SESSION, body)

    def suspend_job(self, name: str, *, suspend: bool) -> None:
        """Set a Job's spec.suspend, as a queue does; its pods go."""
        body = self.get(Kind.JOB, name)
        if finished(body) or body["metadata"].get("deletionTimestamp"):
            return
        body["spec"]["suspend"] = suspend
        self._save(Kind.JOB, body)
        if suspend:
            for pod in self.pods_of(name):
                if pod["status"]["phase"] == "Running":
                    self.remove(Kind.POD, pod["metadata"]["name"])

    def start_pod(self, job_name: str) -> str | None:
        """Start a pod, where the Job controller would."""
        job = self.get(Kind.JOB, job_name)
        active = [pod for pod in self.pods_of(job_name) if pod["status"]["phase"] == "Running"]
        if finished(job) or job["metadata"].get("deletionTimestamp") or job["spec"].get("suspend") or active:
            return None
        if decide_ending(job, self.pods_of(job_name), self._failed(job_name)):
            return None
        name = f"{job_name}-{next(self._numbers)}"
        labels = {SESSION_LABEL: job["metadata"]["labels"][SESSION_LABEL], JOB_NAME_LABEL: job_name}
        owner = {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
        meta = {"name": name, "namespace": "emg", "labels": labels, "ownerReferences": [owner]}
        self._add(Kind.POD, {"metadata": meta, "status": {"phase": "Running"}})
        started = {"startTime": timestamp(self._clock.now())}
        self._save(Kind.JOB, job | {"status": started | job.get("status", {})})
        return name

    def end_pod(self, name: str, code: int, *, out_of_memory: bool = False) -> None:
        """Let a pod's container end."""
        pod = self.get(Kind.POD, name)
        ended = {"exitCode": code, "finishedAt": timestamp(self._clock.now())}
        if out_of_memory:
            ended["reason"] = "OOMKilled"
        else:
            ended["message"] = (
                TerminationMessage(exit_code=code, message=f"code {code}", used_mib=90).to_bytes().decode()
            )
        statuses = [{"name": "worker", "state": {"terminated": ended}}]
        phase = "Failed" if code else "Succeeded"
        self._save(Kind.POD, pod | {"status": {"phase": phase, "containerStatuses": statuses}})

    def evict_pod(self, name: str) -> None:
        """Take a pod away; its Job makes another and counts none."""
        self.remove(Kind.POD, name)

    def sync_job(self, name: str) -> None:
        """Let the Job controller see what became of its pods."""
        job = self.get(Kind.JOB, name)
        ending = None if finished(job) else decide_ending(job, self.pods_of(name), self._failed(name))
        if ending:
            status = job.get("status", {}) | ending_status(ending, timestamp(self._clock.now()))
            self._save(Kind.JOB, job | {"status": status})

    def collect_garbage(self) -> None:
        """Remove what is to be deleted or has lost its owner."""
        uids = {body["metadata"]["uid"] for body in self.bodies.values()}
        for (kind, name), body in list(self.bodies.items()):
            meta = body["metadata"]
            orphan = any(owner["uid"] not in uids for owner in meta.get("ownerReferences", []))
            if orphan or meta.get("deletionTimestamp"):
                for pod in self.pods_of(name) if kind is Kind.JOB else ():
                    self.remove(Kind.POD, pod["metadata"]["name"])
                self.remove(kind, name)

    def remove(self, kind: Kind, name: str) -> None:
        """Delete a body; none of that name means done."""
        if body := self.bodies.pop((kind, name), None):
            self.events.append((kind, "DELETED", copied(body)))

    # What everybody can see.

    def get(self, kind: Kind, name: str) -> Body:
        """Return a copy of a body."""
        return copied(self.bodies[kind, name])

    def of(self, kind: Kind) -> list[Body]:
        """Return copies of all bodies of a kind."""
        return [copied(body) for (k, _), body in self.bodies.items() if k is kind]

    def pods_of(self, job_name: str) -> list[Body]:
        """Return a Job's pods."""
        if (Kind.JOB, job_name) not in self.bodies:
            return []
        uid = self.bodies[Kind.JOB, job_name]["metadata"]["uid"]
        return [pod for pod in self.of(Kind.POD) if pod["metadata"]["ownerReferences"][0]["uid"] == uid]

    def jobs_of(self, session_uid: str) -> Iterator[Body]:
        """Return a session's Jobs."""
        return (job for job in self.of(Kind.JOB) if job["metadata"]["ownerReferences"][0]["uid"] == session_uid)

    def contract_of(self, job_name: str) -> WorkerContract:
        """Return what a Job's worker is told."""
        container = self.bodies[Kind.JOB, job_name]["spec"]["template"]["spec"]["containers"][0]
        return WorkerContract.from_env({v["name"]: v["value"].replace("$$", "$") for v in container["env"]})

    def memory_of(self, job_name: str) -> int:
        """Return a Job's memory limit in MiB."""
        container = self.bodies[Kind.JOB, job_name]["spec"]["template"]["spec"]["containers"][0]
        return int(container["resources"]["limits"]["memory"].removesuffix("Mi"))

    def _create_job(self, manifest: Body) -> Body | None:
        if (Kind.JOB, manifest["metadata"]["name"]) in self.bodies:
            return None
        job = self._add(Kind.JOB, copied(manifest))
        self.jobs_made.append(job)
        return job

    def _delete_job(self, name: str, uid: str) -> None:
        job = self.bodies.get((Kind.JOB, name))
        if job and job["metadata"]["uid"] == uid and not job["metadata"].get("deletionTimestamp"):
            meta = job["metadata"] | {"deletionTimestamp": timestamp(self._clock.now())}
            self._save(Kind.JOB, job | {"metadata": meta})

    def _check_version(self, body: Body) -> None:
        current = self.bodies.get((Kind.SESSION, body["metadata"]["name"]))
        if current is None:
            raise SessionGone("gone")
        if current["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise StatusConflict("changed")

    def _failed(self, job_name: str) -> int:
        return sum(pod["status"]["phase"] == "Failed" for pod in self.pods_of(job_name))

    def _add(self, kind: Kind, body: Body) -> Body:
        given = {"uid": f"uid-{next(self._numbers)}", "creationTimestamp": timestamp(self._clock.now())}
        body["metadata"] |= given
        return self._save(kind, body, "ADDED")

    def _save(self, kind: Kind, body: Body, event: str = "MODIFIED") -> Body:
        body = copied(body)
        body["metadata"]["resourceVersion"] = str(next(self._numbers))
        self.bodies[kind, body["metadata"]["name"]] = body
        self.events.append((kind, event, copied(body)))
        return copied(body)

    def _write(self, write: Callable[[], Any]) -> Any:
        """Write, unless the writer's time has come: then the request may be lost, done, or still under way."""
        if self.writes_until_crash is None:
            return write()
        self.writes_until_crash -= 1
        if self.writes_until_crash >= 0:
            return write()
        self.writes_until_crash = None
        if self.crash_after_write:
            write()
        else:
            self.zombies.append(write)
        raise Crash
