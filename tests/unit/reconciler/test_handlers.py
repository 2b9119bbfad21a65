"""The wiring: kopf against kmock's API server, with the reconciler and its writes as they run in a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import kmock as km
import kopf
from kubernetes.aio import client
from tests.support.memory import MemorySummaries
from tests.support.sessions import NOW, SETTINGS, session_body
from tests.support.waiting import until

from emg_operator.cluster import KubernetesCluster
from emg_operator.handlers import kopf_settings, watch
from emg_operator.manifests import job_name
from emg_operator.reconcile import Reconciler
from emg_session.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION

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
async def operator(url: str) -> AsyncIterator[None]:
    registry, settings = kopf.OperatorRegistry(), kopf_settings()
    settings.queueing.exit_timeout = 0
    settings.process.ultimate_exiting_timeout = None
    kopf.on.login(registry=registry)(lambda **_: kopf.ConnectionInfo(server=url))
    async with client.ApiClient(client.Configuration(host=url.rstrip("/"))) as api:
        cluster = KubernetesCluster(client.CustomObjectsApi(api))
        reconciler = Reconciler(cluster=cluster, summaries=MemorySummaries(), settings=SETTINGS, now=lambda: NOW)
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


async def test_a_session_gets_its_job_and_its_conditions(kmock: km.KubernetesEmulator) -> None:
    declare(kmock)
    body = session_body() | {"apiVersion": API_VERSION, "kind": KIND}
    name = body["metadata"]["name"]
    kmock.objects[SESSIONS, "emg", name] = body
    async with operator(str(kmock.url)):
        await until(lambda: kmock.objects[SESSIONS, "emg", name].raw.get("status"), "the session has a status")
    assert kmock.objects[JOBS, "emg", job_name(name, 1)].raw["metadata"]["ownerReferences"][0]["name"] == name
    status = kmock.objects[SESSIONS, "emg", name].raw["status"]
    assert [c["reason"] for c in status["conditions"] if c["type"] == "Succeeded"] == ["Queued"]
