"""The loop against what a cluster does at the worst moment."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emg_operator.bodies import Kind
from emg_operator.cluster import JobRefused
from emg_operator.metrics import Metrics
from emg_operator.reconcile import Reconciler
from emg_session.contract import TerminationMessage
from emg_session.status import SessionStatus
from tests.support.memory import MemorySummaries
from tests.support.schema import violations
from tests.support.sessions import NOW, SETTINGS, failed, job_body, pod_body, session_body
from tests.support.simulated import Clock, SimulatedCluster
from tests.support.waiting import until

DEFINITION = Path(__file__).parents[3] / "charts" / "emg-operator" / "files" / "emgsessions.crd.yaml"
SCHEMA = yaml.safe_load(DEFINITION.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
NAME = session_body()["metadata"]["name"]


class Watched(SimulatedCluster):
    """A simulated cluster whose watches show nothing by themselves; it notes every status."""

    def __init__(self) -> None:
        super().__init__(Clock(NOW))
        self.bodies[Kind.SESSION, NAME] = session_body()
        self.statuses: list[dict[str, Any]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.checks.append(self.note)

    def note(self, _body: dict[str, Any], status: SessionStatus) -> None:
        self.meanwhile()
        self.statuses.append(msgspec.json.decode(msgspec.json.encode(status)))

    @property
    def jobs(self) -> list[str]:
        """The names of all Jobs that were made."""
        return [job["metadata"]["name"] for job in self.jobs_made]

    @property
    def reason(self) -> str | None:
        """The newest word people read."""
        return self.statuses[-1]["conditions"][-1]["reason"] if self.statuses else None


@asynccontextmanager
async def working(cluster: Watched, most_jobs: int = 0) -> AsyncIterator[Reconciler]:
    reconciler = Reconciler(
        cluster=cluster,
        summaries=MemorySummaries(),
        recordings=None,
        settings=replace(SETTINGS, most_jobs=most_jobs),
        metrics=Metrics(),
        now=lambda: NOW,
    )
    running = asyncio.create_task(reconciler.run())
    try:
        yield reconciler
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_jobs_and_pods_seen_before_their_session_count() -> None:
    cluster, job = Watched(), job_body(**failed("PodFailurePolicy"))
    words = TerminationMessage(exit_code=11, message="cut off").to_bytes().decode()
    async with working(cluster) as reconciler:
        reconciler.observe(Kind.JOB, None, job)
        reconciler.observe(Kind.POD, None, pod_body(job, exitCode=11, message=words))
        await asyncio.sleep(0)
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.reason == "BadRecording", "the Job that ended meanwhile is taken in")


async def test_anybodys_job_with_our_label_is_let_alone() -> None:
    cluster, foreign = Watched(), job_body(**failed("PodFailurePolicy"))
    del foreign["metadata"]["ownerReferences"], foreign["metadata"]["annotations"]
    async with working(cluster) as reconciler:
        reconciler.observe(Kind.JOB, None, foreign)
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.told == ["JobCreated"], "the session gets a Job of its own")
    assert cluster.jobs == [f"{NAME}-a1"]


async def test_a_job_that_the_api_server_refuses_is_told_in_the_status() -> None:
    cluster = Watched()
    cluster.refusal = JobRefused("exceeded quota: jobs")
    async with working(cluster) as reconciler:
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.reason == "Pending", "the refusal is shown")
    top = cluster.statuses[-1]["conditions"][-1]
    assert top["message"] == "the API server does not take the Job: exceeded quota: jobs"
    assert len(cluster.statuses[-1]["conditions"]) == 7
    assert cluster.told == []


async def test_a_session_whose_job_is_refused_leaves_its_place_to_the_next() -> None:
    cluster = Watched()
    cluster.refusal = JobRefused("exceeded quota: limits.memory")
    async with working(cluster, most_jobs=1) as reconciler:
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.reason == "Pending", "the refusal is shown")
        cluster.refusal = None
        cluster.bodies[Kind.SESSION, "emg-other"] = session_body() | {"metadata": other_session()}
        reconciler.observe(Kind.SESSION, None, cluster.get(Kind.SESSION, "emg-other"))
        await until(lambda: cluster.jobs, "somebody gets a Job")
    assert cluster.jobs == ["emg-other-a1"]


async def test_a_session_deleted_while_its_status_is_written_stays_deleted() -> None:
    cluster = Watched()
    async with working(cluster) as reconciler:
        cluster.meanwhile = lambda: reconciler.observe(Kind.SESSION, "DELETED", session_body())
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.statuses, "the status is written")
        cluster.meanwhile = lambda: None
        reconciler.observe(Kind.JOB, "DELETED", job_body())
        cluster.bodies[Kind.SESSION, "emg-other"] = session_body() | {"metadata": other_session()}
        reconciler.observe(Kind.SESSION, None, cluster.get(Kind.SESSION, "emg-other"))
        await until(lambda: len(cluster.jobs) > 1, "the next session is worked on")
    assert cluster.jobs == [f"{NAME}-a1", "emg-other-a1"]


def other_session() -> dict[str, Any]:
    return session_body()["metadata"] | {"name": "emg-other", "uid": "other"}


ENDINGS = st.fixed_dictionaries(
    {"exitCode": st.integers(0, 255)},
    optional={
        "reason": st.just("OOMKilled"),
        "message": st.text(max_size=2000),
        "finishedAt": st.just(NOW.isoformat()),
    },
)
JOBS = st.builds(
    lambda attempt, memory, status: job_body(attempt, memory, **status),
    st.integers(1, 10),
    st.integers(16, 65536),
    st.sampled_from([{}, failed("BackoffLimitExceeded"), failed("PodFailurePolicy"), failed("DeadlineExceeded")]),
)
EVENTS = st.lists(st.tuples(st.sampled_from(["ADDED", "DELETED"]), JOBS, st.none() | ENDINGS), max_size=6)


@given(EVENTS, st.booleans())
def test_whatever_is_seen_in_whatever_order_every_status_fits_the_definition(
    events: list[tuple[str, dict[str, Any], dict[str, Any] | None]], session_first: bool
) -> None:
    cluster = asyncio.run(after(events, session_first=session_first))
    schema = SCHEMA["properties"]["status"]
    assert cluster.statuses
    assert [violation for status in cluster.statuses for violation in violations(schema, status)] == []


async def after(events: list[tuple[str, dict[str, Any], dict[str, Any] | None]], *, session_first: bool) -> Watched:
    cluster = Watched()
    async with working(cluster) as reconciler:
        if session_first:
            reconciler.observe(Kind.SESSION, None, session_body())
        for event, job, ending in events:
            reconciler.observe(Kind.JOB, event, job)
            if ending is not None:
                reconciler.observe(Kind.POD, event, pod_body(job, "Failed", **ending))
        reconciler.observe(Kind.SESSION, None, session_body())
        await until(lambda: cluster.statuses, "a status is written")
    return cluster
