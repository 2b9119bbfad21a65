"""The life cycle as a state machine: whatever happens in whatever order, every session comes to one good end.

The real reconciler runs against a simulated cluster. Watches lose, double and delay what they show; pods are killed,
evicted and run out of memory; clocks jump; the operator dies between any two writes, its last request still under way;
people suspend, resume, change, delete and ask again. `make chaos-model` runs it for longer.
"""

import os
from collections import Counter, defaultdict
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emg_local.job_bodies import finished
from emg_operator.bodies import Body, Kind
from emg_operator.job_view import REQUEST_ANNOTATION
from emg_session.contract import request_of
from emg_session.errors import Failure
from emg_session.resource import RERUN_ANNOTATION, EMGSession, JobOptions, RecordingRef, SessionSpec
from emg_session.status import ConditionType, Reason, SessionStatus, Truth
from tests.support.driving import DrivenOperator
from tests.support.sessions import NOW, SETTINGS
from tests.support.simulated import Clock, Database, SimulatedCluster, Storage

SMALL = replace(
    SETTINGS, most_attempts=3, most_memory_mib=600, object_wait_seconds=900, failed_ttl_seconds=50_000, retry_seconds=30
)
URIS = ("s3://recordings/P001/a.c3d", "s3://recordings/P002/b.c3d")
MOST_SESSIONS = 4
# What becomes of a pod in the end, by the recording: its exit code, or the MiB it needs.
FATES = {"good": 0, "bad": 11, "large": 400, "huge": 5000, "buggy": 70}
_FEW = st.integers(0, 7)
_FATES = st.sampled_from(sorted(FATES))


class LifeCycle(RuleBasedStateMachine):
    """An operator, a cluster, storage, a database, and everything that happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(NOW)
        self.cluster = SimulatedCluster(self.clock)
        self.cluster.checks.append(self.check_status)
        self.database, self.storage = Database(), Storage()
        self.fates: dict[str, str] = {}
        self.attempts: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.made = 0
        self.counter = 0

    @initialize(
        most_jobs=st.sampled_from([0, 1, 2]), gate=st.booleans(), fates=st.lists(_FATES, min_size=1, max_size=2)
    )
    def begin(self, most_jobs: int, gate: bool, fates: list[str]) -> None:
        self.gate = gate
        storage = self.storage if gate else None
        settings = replace(SMALL, most_jobs=most_jobs)
        self.operator = DrivenOperator(self.cluster, self.database, storage, settings, self.clock)
        for fate in fates:
            self.a_recording_arrives(URIS[0], fate, None, there=True)

    # The operator.

    @rule(which=_FEW)
    def work(self, which: int) -> None:
        if due := list(self.operator.queue.due):
            self.operator.work_on(due[which % len(due)])

    @rule(rounds=st.integers(1, 3))
    def all_goes_well(self, rounds: int) -> None:
        """For a while: else few sessions would ever get far."""
        for _ in range(rounds):
            self.calm_step()

    @rule(which=_FEW, writes=st.integers(0, 2), done=st.booleans())
    def work_and_die(self, which: int, writes: int, done: bool) -> None:
        self.cluster.writes_until_crash, self.cluster.crash_after_write = writes, done
        self.work(which)
        self.cluster.writes_until_crash = None

    @rule(first=st.sampled_from(Kind))
    def restart(self, first: Kind) -> None:
        self.operator.start(first)

    @precondition(lambda self: self.cluster.zombies)
    @rule()
    def a_request_of_a_dead_operator_lands(self) -> None:
        try:
            self.cluster.zombies.pop()()
        except Failure:
            return

    # Watches.

    @rule(many=st.integers(1, 8))
    def deliver(self, many: int) -> None:
        for _ in range(min(many, len(self.cluster.events))):
            kind, event, body = self.cluster.events.pop(0)
            self.operator.observe(kind, event, body)

    @precondition(lambda self: self.cluster.events)
    @rule(kind=st.sampled_from(Kind))
    def deliver_one_kind_first(self, kind: Kind) -> None:
        for event in [event for event in self.cluster.events if event[0] is kind][:1]:
            self.cluster.events.remove(event)
            self.operator.observe(*event)

    @precondition(lambda self: self.cluster.events)
    @rule()
    def double(self) -> None:
        kind, event, body = self.cluster.events[0]
        self.operator.observe(kind, event, body)

    @rule(kind=st.sampled_from(Kind))
    def a_watch_breaks(self, kind: Kind) -> None:
        """Lose what is under way; what is there is shown again, what was deleted is not."""
        self.cluster.events = [event for event in self.cluster.events if event[0] is not kind]
        self.cluster.events += [(kind, None, body) for body in self.cluster.of(kind)]

    # Time.

    @rule(seconds=st.sampled_from([1, 31, 61, 301, 3601]))
    def time_passes(self, seconds: int) -> None:
        self.cluster.zombies.clear()
        self.operator.pass_time(seconds)

    @rule(seconds=st.sampled_from([-100_000, -60, 60, 800]))
    def the_clock_jumps(self, seconds: int) -> None:
        self.clock.advance(seconds)

    # People and senders.

    @precondition(lambda self: self.made < MOST_SESSIONS)
    @rule(
        uri=st.sampled_from(URIS),
        fate=_FATES,
        queue_name=st.sampled_from([None, None, "clinic"]),
        there=st.booleans(),
    )
    def a_recording_arrives(self, uri: str, fate: str, queue_name: str | None, there: bool) -> None:
        self.made += 1
        version = f"v{self.made}"
        spec = SessionSpec(
            recording=RecordingRef(uri=uri, version=version, size_bytes=2_867_920),
            subject=uri.split("/")[3],
            profile="standard-1",
            ttl_seconds_after_finished=10_000,
            job=JobOptions(queue_name=queue_name),
        )
        self.fates[self.cluster.create_session(spec)] = fate
        if there:
            self.storage.versions[uri] = version

    @precondition(lambda self: self.made < MOST_SESSIONS)
    @rule(which=_FEW, fate=_FATES)
    def an_object_is_overwritten_and_put_back(self, which: int, fate: str) -> None:
        """Where a version is a hash of the bytes, the one of before comes back."""
        if name := self.some_session(which):
            recording = EMGSession.from_body(self.cluster.get(Kind.SESSION, name)).spec.recording
            self.a_recording_arrives(recording.uri, fate, None, there=True)
            self.deliver(len(self.cluster.events))
            self.operator.work_off()
            self.storage.versions[recording.uri] = recording.version

    @rule(which=_FEW, suspend=st.booleans())
    def suspend(self, which: int, suspend: bool) -> None:
        if name := self.some_session(which):
            self.cluster.change_spec(name, suspend=suspend)

    @rule(which=_FEW, options=st.booleans())
    def ask_again(self, which: int, options: bool) -> None:
        if name := self.some_session(which):
            self.counter += 1
            if options:
                self.cluster.change_spec(name, options={"contractionDurationThresholdMs": self.counter})
            else:
                self.cluster.annotate(name, RERUN_ANNOTATION, str(self.counter))

    @rule(which=_FEW)
    def delete_a_job(self, which: int) -> None:
        self.cluster.zombies.clear()
        jobs = self.cluster.of(Kind.JOB)
        if jobs:
            self.cluster.remove(Kind.JOB, jobs[which % len(jobs)]["metadata"]["name"])

    @rule(which=_FEW)
    def delete_a_session(self, which: int) -> None:
        self.cluster.zombies.clear()
        if name := self.some_session(which):
            self.cluster.remove(Kind.SESSION, name)

    # The cluster.

    @rule(which=_FEW)
    def a_pod_starts(self, which: int) -> None:
        if jobs := self.cluster.of(Kind.JOB):
            self.cluster.start_pod(jobs[which % len(jobs)]["metadata"]["name"])

    @rule(which=_FEW, code=st.sampled_from([None, None, 20, 21, 22, 137, 143]), stored=st.booleans())
    def a_pod_ends(self, which: int, code: int | None, stored: bool) -> None:
        if pods := self.running_pods():
            self.end_pod(pods[which % len(pods)], code, stored=stored)

    @rule(which=_FEW)
    def a_pod_is_evicted(self, which: int) -> None:
        if pods := self.running_pods():
            self.cluster.evict_pod(pods[which % len(pods)]["metadata"]["name"])

    @rule(which=_FEW)
    def an_ended_pod_is_removed(self, which: int) -> None:
        ended = [pod for pod in self.cluster.of(Kind.POD) if pod["status"]["phase"] == "Failed"]
        over = [pod for pod in ended if self.job_is_over(pod)]
        if over:
            self.cluster.remove(Kind.POD, over[which % len(over)]["metadata"]["name"])

    @rule()
    def pods_of_stopped_jobs_are_killed(self) -> None:
        for pod in self.running_pods():
            job = self.job_of(pod)
            if job and job["metadata"].get("deletionTimestamp"):
                self.cluster.end_pod(pod["metadata"]["name"], 143)
                self.cluster.sync_job(job["metadata"]["name"])

    @rule()
    def controllers_run(self) -> None:
        for job in self.cluster.of(Kind.JOB):
            self.cluster.sync_job(job["metadata"]["name"])
        self.cluster.collect_garbage()

    @rule(which=_FEW, suspend=st.booleans())
    def a_queue_decides(self, which: int, suspend: bool) -> None:
        jobs = [job for job in self.cluster.of(Kind.JOB) if "kueue.x-k8s.io/queue-name" in job["metadata"]["labels"]]
        if jobs:
            self.cluster.suspend_job(jobs[which % len(jobs)]["metadata"]["name"], suspend=suspend)

    @rule(database=st.booleans(), storage=st.booleans())
    def outage(self, database: bool, storage: bool) -> None:
        self.database.away, self.storage.away = database, storage

    # What must hold.

    def check_status(self, body: Body, status: SessionStatus) -> None:
        """Called by the cluster with every status, before it is taken."""
        session = EMGSession.from_body(body)
        assert status != session.status, "nothing changed, yet it is written"
        assert [condition.type for condition in status.conditions] == list(ConditionType)
        if status.top and status.top.status is Truth.TRUE:
            assert self.database.has(session.name, session.spec)
        if session.status.finished and session.status.request == request_of(session):
            comes_back = session.status.reason is Reason.SUPERSEDED and not status.failed
            assert comes_back, "a finished session is written to"

    @invariant()
    def no_session_has_two_jobs(self) -> None:
        owners = [
            job["metadata"]["ownerReferences"][0]["uid"] for job in self.cluster.of(Kind.JOB) if not finished(job)
        ]
        assert max(Counter(owners).values(), default=0) <= 1

    @invariant()
    def no_session_has_more_attempts_than_allowed(self) -> None:
        while self.cluster.jobs_made:
            meta = self.cluster.jobs_made.pop()["metadata"]
            uid, request = meta["ownerReferences"][0]["uid"], meta["annotations"][REQUEST_ANNOTATION]
            self.attempts[uid, request].add(meta["name"])
            assert len(self.attempts[uid, request]) <= SMALL.most_attempts

    def teardown(self) -> None:
        """Once nothing happens any more, every session ends, and looking at it once more changes nothing."""
        if not hasattr(self, "operator"):
            return
        self.heal()
        for _ in range(400):
            if self.is_quiet() and not self.unfinished() and not self.left_behind():
                break
            self.calm_step()
        assert self.unfinished() == []
        assert self.left_behind() == []
        writes = self.cluster.status_writes
        for body in self.cluster.of(Kind.SESSION):
            self.operator.observe(Kind.SESSION, None, body)
        self.operator.work_off()
        assert self.cluster.status_writes == writes
        self.no_session_has_two_jobs()
        self.no_session_has_more_attempts_than_allowed()
        self.check_ends()

    def check_ends(self) -> None:
        for body in self.cluster.of(Kind.SESSION):
            session = EMGSession.from_body(body)
            top = session.status.top
            assert top is not None
            stored = self.database.has(session.name, session.spec)
            assert stored or top.status is Truth.FALSE
            if self.fates[session.name] in ("bad", "huge", "buggy") and not stored:
                assert top.reason is not Reason.COMPLETED

    def heal(self) -> None:
        self.database.away = self.storage.away = False
        self.cluster.writes_until_crash = None
        self.cluster.zombies.clear()
        for body in self.cluster.of(Kind.SESSION):
            if body["spec"].get("suspend"):
                self.cluster.change_spec(body["metadata"]["name"], suspend=False)
        for name in self.left_behind():  # else its time to live could end the wait
            self.cluster.change_spec(name, ttlSecondsAfterFinished=10**9)

    def is_quiet(self) -> bool:
        return not (self.cluster.events or self.operator.queue.due)

    def unfinished(self) -> list[str]:
        sessions = map(EMGSession.from_body, self.cluster.of(Kind.SESSION))
        return [s.name for s in sessions if not (s.status.finished and s.status.request == request_of(s))]

    def left_behind(self) -> list[str]:
        """Return those that are superseded, though storage has their version and they have attempts left."""
        sessions = map(EMGSession.from_body, self.cluster.of(Kind.SESSION) if self.gate else [])
        ended = [s for s in sessions if s.status.finished and s.status.reason is Reason.SUPERSEDED]
        there = [s for s in ended if self.storage.versions.get(s.spec.recording.uri) == s.spec.recording.version]
        return [s.name for s in there if len(s.status.attempts) < SMALL.most_attempts]

    def calm_step(self) -> None:
        """Let everybody do his part once, then time pass until somebody's timer goes off."""
        self.deliver(len(self.cluster.events))
        self.operator.work_off()
        for job in self.cluster.of(Kind.JOB):
            self.cluster.suspend_job(job["metadata"]["name"], suspend=False)
            self.cluster.start_pod(job["metadata"]["name"])
        for pod in self.running_pods():
            self.end_pod(pod, None, stored=True)
        self.controllers_run()
        self.deliver(len(self.cluster.events))
        self.operator.work_off()
        if self.operator.timers and self.is_quiet():
            self.operator.pass_time(max(0.0, min(self.operator.timers.values()) - self.operator.passed_s))

    # Helpers.

    def some_session(self, which: int) -> str | None:
        names = [body["metadata"]["name"] for body in self.cluster.of(Kind.SESSION)]
        return names[which % len(names)] if names else None

    def running_pods(self) -> list[Body]:
        return [pod for pod in self.cluster.of(Kind.POD) if pod["status"]["phase"] == "Running" and self.job_of(pod)]

    def job_of(self, pod: Body) -> Body | None:
        uid = pod["metadata"]["ownerReferences"][0]["uid"]
        return next((job for job in self.cluster.of(Kind.JOB) if job["metadata"]["uid"] == uid), None)

    def job_is_over(self, pod: Body) -> bool:
        job = self.job_of(pod)
        return job is None or finished(job)

    def end_pod(self, pod: Body, code: int | None, *, stored: bool) -> None:
        """End a pod as its recording has it, or by a fault; one may be killed just after it has stored."""
        job = self.job_of(pod)
        assert job is not None
        job_name, name = job["metadata"]["name"], pod["metadata"]["name"]
        contract = self.cluster.contract_of(job_name)
        fate = self.fates[contract.session_name]
        needed = FATES[fate] if fate in ("large", "huge") else 0
        if needed > self.cluster.memory_of(job_name):
            self.cluster.end_pod(name, 137, out_of_memory=True)
            return
        own_code = FATES[fate] if fate in ("bad", "buggy") else 0
        if own_code == 0 and (code is None or stored):
            self.database.store(contract)
        self.cluster.end_pod(name, own_code if code is None else code)


TestLifeCycle = LifeCycle.TestCase
EXAMPLES = int(os.environ.get("EMG_MODEL_EXAMPLES", "250"))
TestLifeCycle.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=60, deadline=None, derandomize=EXAMPLES <= 1000
)
