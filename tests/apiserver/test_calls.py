"""What the operator asks of the API server, against a real one: versions, preconditions, schema, pages."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from kubernetes.aio import client, config

from emg_operator import cluster as calls
from emg_operator.cluster import KubernetesCluster, SessionGone, StatusConflict, StatusRefused
from emg_operator.decisions import decide_next
from emg_operator.manifests import AttemptPlan, build_job
from emg_operator.surroundings import Readable, Surroundings
from emg_session.resource import EMGSession, build_session
from emg_session.sessions import KubernetesSessions
from emg_session.status import Attempt, Reason, SessionStatus
from tests.apiserver.conftest import Site
from tests.support.sessions import FACTS, NOW, SETTINGS, SPEC

NAME: str = build_session(SPEC, namespace="x")["metadata"]["name"]
Body = dict[str, Any]


@pytest.fixture
async def api(site: Site) -> AsyncIterator[client.CustomObjectsApi]:
    configuration = client.Configuration()
    await config.load_kube_config(config_file=str(site.api.admin), client_configuration=configuration)
    async with client.ApiClient(configuration) as connected:
        yield client.CustomObjectsApi(connected)


@pytest.fixture
def cluster(api: client.CustomObjectsApi, site: Site) -> KubernetesCluster:
    return KubernetesCluster(api, site.namespace)


async def created(api: client.CustomObjectsApi, site: Site, number: int = 0) -> str:
    recording = msgspec.structs.replace(SPEC.recording, version=f"{SPEC.recording.version}{number or ''}")
    spec = msgspec.structs.replace(SPEC, recording=recording)
    manifest = build_session(spec, namespace=site.namespace)
    await KubernetesSessions(api, site.namespace).create(manifest)
    name: str = manifest["metadata"]["name"]
    return name


async def test_a_status_with_everything_in_it_is_taken_as_it_is(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    given = Surroundings(object=Readable(size_bytes=1), has_place=True)
    step = decide_next(EMGSession.from_body(body), [], FACTS, NOW, SETTINGS, surroundings=given)
    attempt = Attempt(
        job="a-a1",
        memory_mib=1,
        used_mib=1,
        started_at=NOW,
        finished_at=NOW,
        exit_code=1,
        reason=Reason.RUNNING,
        log="x",
    )
    status = msgspec.structs.replace(step.status, attempts=(attempt,), job_name="a-a1", started_at=NOW)
    saved = await cluster.save_status(body, status)
    assert EMGSession.from_body(saved).status == status


async def test_what_a_status_no_longer_tells_is_gone(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    saved = await cluster.save_status(body, SessionStatus(job_name="a", duration="75.0s"))
    assert (await cluster.save_status(saved, SessionStatus(job_name="b")))["status"] == {"jobName": "b"}


async def test_a_result_without_a_score_keeps_none_of_the_one_before(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    saved = await cluster.save_status(body, SessionStatus(result=FACTS.result))
    unscored = SessionStatus(result=msgspec.structs.replace(FACTS.result, overall_score_permille=None))
    assert EMGSession.from_body(await cluster.save_status(saved, unscored)).status == unscored


async def test_a_status_over_a_version_that_is_no_longer_there_is_a_conflict(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    await cluster.save_status(body, SessionStatus(job_name="a"))
    with pytest.raises(StatusConflict):
        await cluster.save_status(body, SessionStatus(job_name="b"))
    with pytest.raises(StatusConflict):
        await cluster.delete_session(body)


async def test_a_status_that_breaks_the_definition_is_refused_with_the_field(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    with pytest.raises(StatusRefused, match="jobName"):
        await cluster.save_status(body, SessionStatus(job_name="x" * 64))


async def test_only_the_job_that_was_meant_is_stopped_and_it_goes_once(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    name = await created(api, site)
    session = EMGSession.from_body(await cluster.load_session(site.namespace, name))
    manifest = build_job(session, AttemptPlan(number=1, memory_mib=64), SETTINGS)
    made = await cluster.create_job(manifest)
    assert made is not None
    assert await cluster.create_job(manifest) is None
    await cluster.delete_job(site.namespace, f"{name}-a1", "the uid of one before")
    assert len((await cluster.load_family(site.namespace, name)).jobs) == 1
    await cluster.delete_job(site.namespace, f"{name}-a1", made["metadata"]["uid"])
    family = await cluster.load_family(site.namespace, name)
    assert all("deletionTimestamp" in job["metadata"] for job in family.jobs)
    await cluster.delete_job(site.namespace, f"{name}-none", "x")


async def test_a_session_that_is_gone_is_told_by_every_call(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site
) -> None:
    body = await cluster.load_session(site.namespace, await created(api, site))
    await cluster.delete_session(body)
    for call in (
        cluster.load_session(site.namespace, NAME),
        cluster.load_family(site.namespace, NAME),
        cluster.save_status(body, SessionStatus()),
        cluster.delete_session(body),
    ):
        with pytest.raises(SessionGone):
            await call


async def test_all_pages_of_sessions_are_listed(
    api: client.CustomObjectsApi, cluster: KubernetesCluster, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_PAGE_SESSIONS", 2)
    names = {await created(api, site, number) for number in range(5)}
    assert {body["metadata"]["name"] async for body in cluster.list_sessions()} == names
    everywhere = KubernetesCluster(api, None)
    assert names <= {body["metadata"]["name"] async for body in everywhere.list_sessions()}
