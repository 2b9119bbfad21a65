"""What the programs may do is what they do: the API server's own log is the witness."""

import yaml
from kubernetes.aio import client, config

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import build_session
from emg_session.sessions import KubernetesSessions
from tests.apiserver.conftest import BUCKET, Site
from tests.support.api_server import RIGHTS
from tests.support.audit import Use, forbidden, used
from tests.support.operators import started
from tests.support.sessions import SPEC
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen


def granted(role: str) -> set[Use]:
    """Return what a role of the cluster suite's manifests grants: group, resource, verb."""
    roles = (one for one in yaml.safe_load_all(RIGHTS.read_text()) if one["kind"] in ("Role", "ClusterRole"))
    rules = next(one["rules"] for one in roles if one["metadata"]["name"] == role)
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def test_the_operator_uses_every_right_it_has_and_is_refused_nothing(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    operator = site.operator(EMG_SWEEP_SECONDS="1", EMG_SWEEP_SETTLE_SECONDS="0")
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
        async with standing_in(site.api.admin, site.namespace, work):
            with started(operator):
                await until_seen(lambda: [*site.reasons().values()] == ["Completed"], "the session is done")
                await until_seen(lambda: operator.problems("/readyz") == {}, "it is ready")
                operator.end()
    entries = site.api.audited(site.namespace)
    assert forbidden(entries) == []
    assert used(entries) == granted("emg-operator")


async def test_the_receivers_store_uses_every_right_it_has_and_is_refused_nothing(site: Site) -> None:
    configuration, account = client.Configuration(), site.api.account(site.namespace, "emg-receiver")
    await config.load_kube_config(config_file=str(account), client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        sessions = KubernetesSessions(client.CustomObjectsApi(api), site.namespace)
        manifest = build_session(SPEC, namespace=site.namespace)
        assert [await sessions.create(manifest), await sessions.create(manifest)] == [True, False]
        assert await sessions.load(manifest["metadata"]["name"]) is not None
    entries = site.api.audited(site.namespace, "emg-receiver")
    assert forbidden(entries) == []
    assert used(entries) == granted("emg-receiver")


async def test_people_are_told_of_a_session_twice(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    operator = site.operator(EMG_SWEEP_SECONDS="1", EMG_SWEEP_SETTLE_SECONDS="0")
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
        async with standing_in(site.api.admin, site.namespace, work):
            with started(operator):
                await until_seen(lambda: told(site) == ["JobCreated", "Completed"], "both are told")


def told(site: Site) -> list[str]:
    events = site.api.items("events.events.k8s.io", site.namespace)
    ours = [event for event in events if event.get("reportingController") == "emg.ghostly/operator"]
    return [event["reason"] for event in sorted(ours, key=lambda event: event["eventTime"])]
