"""The wiring: kopf against kmock's API server, with the reconciler and its writes as they run in a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import kmock as km
import kopf
from kubernetes.aio import client

from emg_operator.cluster import KubernetesCluster
from emg_operator.handlers import kopf_settings, watch
from emg_operator.manifests import job_name
from emg_operator.metrics import Metrics
from emg_operator.reconcile import Reconciler
from emg_session.contract import WorkerContract
from emg_session.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION
from emg_worker.work import analyse
from tests.support.memory import MemorySummaries
from tests.support.recordings import synthetic_recording
from tests.support.sessions import NOW, SETTINGS, SPEC, job_body, pod_body, session, session_body
from tests.support.waiting import until

SESSIONS = km.resource(f"{GROUP}/{VERSION}/{PLURAL}")
JOBS = km.resource("batch/v1/jobs")
PODS = km.resource("v1/pods")
NAMESPACES = km.resource("v1/namespaces")  # kopf waits until it has seen that kind
VERBS = {"list", "watch", "patch", "create"}


def declare(api: km.KubernetesEmulator) -> None:
    api.resources[SESSIONS] = km.ResourceInfo(
        kind=KIND, singular="emgsession", namespaced=True, verbs=VERBS, subresources={"status"}
    )
    api.resources[JOBS] = km.ResourceInfo(kind="Job", singular="job", namespaced=True, verbs=VERBS)
    api.resources[NAMESPACES] = km.ResourceInfo(kind="Namespace", singular="namespace", namespaced=False, verbs=VERBS)
    api.resources[PODS] = km.ResourceInfo(kind="Pod", singular="pod", namespaced=True, verbs=VERBS)


@asynccontextmanager
async def operator(url: str, summaries: MemorySummaries) -> AsyncIterator[None]:
    registry, settings = kopf.OperatorRegistry(), kopf_settings()
    settings.queueing.exit_timeout = 0
    settings.process.ultimate_exiting_timeout = None
    kopf.on.login(registry=registry)(lambda **_: kopf.ConnectionInfo(server=url))
    async with client.ApiClient(client.Configuration(host=url.rstrip("/"))) as api:
        cluster = KubernetesCluster(client.CustomObjectsApi(api), "emg")
        reconciler = Reconciler(
            cluster=cluster,
            summaries=summaries,
            recordings=None,
            settings=SETTINGS,
            metrics=Metrics(),
            now=lambda: NOW,
        )
        watch(registry, reconciler)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            workers = reconciler.start(group)
            watching = asyncio.create_task(
                kopf.operator(registry=registry, settings=settings, namespaces=["emg"], stop_flag=stop)
            )
            try:
                yield
            finally:
                for worker in workers:
                    worker.cancel()
                await api.close()  # kopf waits for whatever began after it, the test server's connections among it
                stop.set()
                await watching


def add_session(api: km.KubernetesEmulator) -> str:
    body = session_body() | {"apiVersion": API_VERSION, "kind": KIND}
    name: str = body["metadata"]["name"]
    api.objects[SESSIONS, "emg", name] = body
    return name


def top_reason(api: km.KubernetesEmulator, name: str) -> str | None:
    status = api.objects[SESSIONS, "emg", name].raw.get("status", {})
    return next((c["reason"] for c in status.get("conditions", []) if c["type"] == "Succeeded"), None)


async def test_a_session_gets_its_job_and_its_conditions(kmock: km.KubernetesEmulator) -> None:
    declare(kmock)
    name = add_session(kmock)
    async with operator(str(kmock.url), MemorySummaries()):
        await until(lambda: (JOBS, "emg", job_name(name, 1)) in kmock.objects, "the Job is made")
    assert top_reason(kmock, name) == "Queued"
    job = kmock.objects[JOBS, "emg", job_name(name, 1)].raw
    assert job["metadata"]["ownerReferences"][0]["name"] == name
    assert len(kmock.objects[SESSIONS, "emg", name].raw["status"]["conditions"]) == 7


async def test_a_stored_summary_completes_the_session_as_soon_as_the_pod_has_ended(
    kmock: km.KubernetesEmulator, tmp_path: Path
) -> None:
    declare(kmock)
    name, summaries, job = add_session(kmock), MemorySummaries(), job_body()
    result = analyse(synthetic_recording(tmp_path).read_bytes(), WorkerContract.of(session()))
    await summaries.save_result(name, SPEC, result)
    kmock.objects[JOBS, "emg", job["metadata"]["name"]] = job
    pod = pod_body(job, "Succeeded", exitCode=0, finishedAt="2026-03-02T09:59:05Z")
    kmock.objects[PODS, "emg", pod["metadata"]["name"]] = pod
    async with operator(str(kmock.url), summaries):
        await until(lambda: top_reason(kmock, name) == "Completed", "the session is complete")
    assert kmock.objects[SESSIONS, "emg", name].raw["status"]["result"]["contractions"] > 0
