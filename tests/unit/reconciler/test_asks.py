"""What users of such operators keep asking for, each ask a test; the rest of a sentence's proof is named beside it.

That stalled watches are noticed, and shown by the liveness probe, takes real ones: tests/apiserver/test_operator.py;
upgrades of the definition and migrations beside `--wait` are the chart's.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emg_local.job_bodies import finished
from emg_operator.bodies import Kind
from emg_operator.cluster import JobRefused
from emg_operator.manifests import AttemptPlan, build_job, job_name
from emg_operator.metrics import Metrics
from emg_operator.progress import Progress, status_of
from emg_operator.reconcile import Reconciler
from emg_operator.run import Run
from emg_operator.surroundings import Readable, Surroundings
from emg_session.contract import ExitCode, request_of
from emg_session.errors import Failure
from emg_session.object_order import ObjectOrder
from emg_session.resource import EMGSession, JobOptions, RecordingRef, SessionSpec, build_session
from emg_session.status import Attempt, ConditionType, Reason, RecordingFacts, Truth
from tests.support.sessions import FACTS, NOW, SETTINGS, SPEC, session
from tests.support.simulated import Clock, Database, SimulatedCluster, Storage, copied

MANIFEST = build_session(SPEC, namespace="emg")
NAME: str = MANIFEST["metadata"]["name"]


class World:
    """An operator beside a simulated cluster; both do their part whenever they are told to."""

    def __init__(self, spec: SessionSpec = SPEC) -> None:
        self.clock = Clock(NOW)
        self.cluster, self.database, self.storage = SimulatedCluster(self.clock), Database(), Storage()
        self.storage.versions[spec.recording.uri] = spec.recording.version
        self.reconciler = self.started()
        self.cluster.create_session(spec)

    def started(self) -> Reconciler:
        return Reconciler(
            cluster=self.cluster,
            summaries=self.database,
            recordings=self.storage,
            settings=SETTINGS,
            metrics=Metrics(),
            now=self.clock.now,
        )

    def work(self) -> None:
        """Deliver every event, and look at the session."""
        asyncio.run(self._work())

    async def _work(self) -> None:
        while self.cluster.events:
            self.reconciler.observe(*self.cluster.events.pop(0))
            with suppress(Failure):  # what is delivered late is older than what was written since
                await self.reconciler.step(f"emg/{NAME}")

    def run_pod(self, code: int = 0, *, out_of_memory: bool = False, stored: bool = True) -> None:
        """Run the newest Job's pod to its end."""
        job = self.cluster.of(Kind.JOB)[-1]["metadata"]["name"]
        pod = self.cluster.start_pod(job)
        assert pod is not None
        if code == 0 and stored:
            self.database.store(self.cluster.contract_of(job))
        self.cluster.end_pod(pod, code, out_of_memory=out_of_memory)
        self.cluster.sync_job(job)

    @property
    def session(self) -> EMGSession:
        return EMGSession.from_body(self.cluster.get(Kind.SESSION, NAME))

    @property
    def reason(self) -> Reason:
        return self.session.status.reason

    @property
    def jobs(self) -> list[str]:
        return [job["metadata"]["name"] for job in self.cluster.of(Kind.JOB)]


def test_the_same_notice_always_gives_one_job() -> None:
    world = World()
    for _ in range(3):
        world.cluster.create_session(SPEC)
        world.work()
    world.run_pod()
    world.work()
    world.cluster.create_session(SPEC)
    world.work()
    assert (world.jobs, world.reason) == ([f"{NAME}-a1"], Reason.COMPLETED)


def test_out_of_memory_is_retried_with_more_capped_and_remembered() -> None:
    world = World(msgspec.structs.replace(SPEC, job=JobOptions(memory_mib=1500)))
    for _ in range(3):
        world.work()
        world.run_pod(137, out_of_memory=True)
    world.work()
    assert [attempt.memory_mib for attempt in world.session.status.attempts] == [1500, 3000, 4096]
    assert world.reason is Reason.OUT_OF_MEMORY  # that later sessions start with more: test_learning.py


def test_a_job_that_is_complete_though_it_ran_out_of_memory_is_no_success() -> None:
    world = World()
    world.work()
    world.run_pod(0, out_of_memory=True, stored=False)
    world.work()
    assert world.session.status.attempts[0].reason is Reason.OUT_OF_MEMORY
    assert [attempt.memory_mib for attempt in world.session.status.attempts] == [136, 272]


def test_a_pod_that_is_gone_before_it_was_seen_is_no_failure() -> None:
    world = World()
    world.work()
    for _ in range(3):
        world.run_pod(1)
    for pod in world.cluster.of(Kind.POD):
        world.cluster.remove(Kind.POD, pod["metadata"]["name"])
    world.cluster.events = [event for event in world.cluster.events if event[0] is not Kind.POD]
    world.work()
    assert world.reason is Reason.RETRYING


def test_deterministic_failures_are_not_retried() -> None:
    for code in (10, 11, 12, 13, 14, 15):
        world = World()
        world.work()
        if code == ExitCode.BYTES_CHANGED:
            world.storage.versions[SPEC.recording.uri] = "another"
        world.run_pod(code)
        world.work()
        assert (world.session.status.failed, world.jobs) == (True, [f"{NAME}-a1"])


def test_a_worker_that_finds_its_recording_erased_takes_the_session_with_it() -> None:
    world = World()
    world.work()
    world.run_pod(ExitCode.ERASED)
    world.work()
    assert list(world.cluster.of(Kind.SESSION)) == []


def test_nothing_is_stuck_in_terminating_when_the_operator_is_gone() -> None:
    world = World()
    world.work()
    world.cluster.remove(Kind.SESSION, NAME)
    world.cluster.collect_garbage()
    world.cluster.collect_garbage()
    assert world.cluster.bodies == {}
    for body in (*(job for job in world.cluster.jobs_made), MANIFEST):
        assert "finalizers" not in body["metadata"]
    assert world.cluster.jobs_made[0]["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is False


@given(st.sampled_from([10, 11, 12, 13, 14, 15, 20, 21, 22, 70, 137, 143, 1, 255]), st.booleans())
def test_kubectl_get_has_a_reason_for_every_failure(code: int, out_of_memory: bool) -> None:
    world = World(msgspec.structs.replace(SPEC, job=JobOptions(max_attempts=1)))
    world.work()
    for _ in range(3):
        if not finished(world.cluster.of(Kind.JOB)[-1]):
            world.run_pod(code, out_of_memory=out_of_memory)
    world.work()
    top = world.session.status.top
    assert top is not None
    assert (top.status, bool(top.message)) == (Truth.FALSE, True)
    assert top.reason not in (Reason.PENDING, Reason.COMPLETED)


def test_conditions_are_set_on_the_first_visit_also_when_the_job_could_not_be_made() -> None:
    world = World()
    world.cluster.refusal = JobRefused("exceeded quota")
    world.work()
    assert [condition.type for condition in world.session.status.conditions] == list(ConditionType)
    assert world.reason is Reason.PENDING


def test_a_time_to_live_is_honoured_by_one_owner() -> None:
    world = World(msgspec.structs.replace(SPEC, ttl_seconds_after_finished=100))
    world.work()
    world.run_pod()
    world.work()
    world.cluster.remove(Kind.JOB, f"{NAME}-a1")  # as Kubernetes does after the Job's own time: nobody makes it again
    world.clock.advance(99)
    world.cluster.annotate(NAME, "looked-at", "again")
    world.work()
    assert world.jobs == []
    world.clock.advance(1)
    world.cluster.annotate(NAME, "looked-at", "once more")
    world.work()
    assert world.cluster.of(Kind.SESSION) == []


def test_the_logs_tail_is_kept_after_the_pod_is_gone() -> None:
    attempt = Attempt(job=f"{NAME}-a1", memory_mib=136, reason=Reason.INTERNAL_ERROR, exit_code=70, log="+9 ms: x")
    before = replace(session(), status=msgspec.structs.replace(session().status, attempts=(attempt,)))
    progress = Progress(Truth.UNKNOWN, Reason.RETRYING, "again")
    assert status_of(before, Run.of(before, []), Surroundings(), progress, NOW).attempts == (attempt,)


def test_thousands_of_finished_objects_do_not_fill_etcd() -> None:
    """At most 4 KiB of a session, and its Job goes after a day."""
    completed = Progress(Truth.TRUE, Reason.COMPLETED, "9999 contractions in 999 channels", LARGEST_FACTS)
    failed = Progress(Truth.FALSE, Reason.DATABASE_UNAVAILABLE, "m" * 2000)
    sizes = [len(msgspec.json.encode(largest_session(progress))) for progress in (completed, failed)]
    assert all(3500 < size <= 4096 for size in sizes), sizes
    assert build_job(session(), AttemptPlan(number=1, memory_mib=128), SETTINGS)["spec"]["ttlSecondsAfterFinished"]


LARGEST_RECORDING = RecordingFacts(
    sha256="f" * 64, channels=("C" * 32,) * 32, sample_rate_milli_hz=2**40, frames=2**40, duration_ms=2**40
)
LARGEST_FACTS = replace(FACTS, recording=LARGEST_RECORDING, poor_channels=("C" * 32 + " is Unusable",) * 32)


def largest_session(progress: Progress) -> dict[str, Any]:
    """Return a session with all that the receiver and ten attempts can put into it."""
    order = ObjectOrder.of(modified_at=NOW, sequence=("s3", "f" * 40)).to_annotations()
    uri = "s3://recordings/P001/" + "x" * 200 + ".c3d"
    spec = msgspec.structs.replace(
        SPEC, recording=RecordingRef(uri=uri, version="a" * 64, size_bytes=2**40), reference=()
    )
    body = build_session(spec, namespace="n" * 63, annotations=order)
    body["metadata"] |= {"uid": "u" * 36, "resourceVersion": "9" * 9, "generation": 2}
    body["metadata"] |= {"creationTimestamp": "2026-03-02T09:59:00Z"}
    asked = EMGSession.from_body(body)
    attempts = tuple(largest_attempt(job_name(asked.name, number)) for number in range(1, 11))
    asked = replace(asked, status=msgspec.structs.replace(asked.status, attempts=attempts, request=request_of(asked)))
    surroundings = Surroundings(object=Readable(size_bytes=2**40))
    status = status_of(asked, Run.of(asked, []), surroundings, progress, NOW)
    return body | {"status": msgspec.to_builtins(status)}


def largest_attempt(job: str) -> Attempt:
    return Attempt(
        job=job,
        memory_mib=65_536,
        used_mib=65_536,
        started_at=NOW,
        finished_at=NOW,
        exit_code=137,
        reason=Reason.DATABASE_UNAVAILABLE,
        log="l" * 160,
    )


def test_starting_with_thousands_of_objects_there_writes_nothing() -> None:
    """How long it takes with 10,000 in a real API server: benchmarks/scale.py."""
    world = World()
    world.work()
    world.run_pod()
    world.work()
    finished_session = world.cluster.get(Kind.SESSION, NAME)
    for number in range(2000):
        body = copied(finished_session)
        body["metadata"] |= {"name": f"emg-{number}", "uid": f"uid-{number}"}
        body["spec"]["recording"]["uri"] += str(number)
        world.cluster.bodies[Kind.SESSION, f"emg-{number}"] = body
    writes, told = world.cluster.status_writes, [*world.cluster.told]
    world.reconciler = world.started()
    asyncio.run(start_up(world))
    assert (world.cluster.status_writes, world.cluster.told) == (writes, told)
    assert (len(world.jobs), len(world.cluster.of(Kind.SESSION))) == (1, 2001)


async def start_up(world: World) -> None:
    for kind in Kind:
        for body in world.cluster.of(kind):
            world.reconciler.observe(kind, None, body)
    for body in world.cluster.of(Kind.SESSION):
        await world.reconciler.step(f"emg/{body['metadata']['name']}")


def test_it_works_under_kueue_which_needs_the_jobs_label_alone() -> None:
    world = World(msgspec.structs.replace(SPEC, job=JobOptions(queue_name="clinic")))
    world.work()
    assert (world.cluster.start_pod(f"{NAME}-a1"), world.reason) == (None, Reason.QUEUED)
    world.cluster.suspend_job(f"{NAME}-a1", suspend=False)
    world.run_pod()
    world.work()
    template = yaml.safe_dump(world.cluster.jobs_made[0]["spec"]["template"])
    assert (world.reason, "kueue" in template) == (Reason.COMPLETED, False)
