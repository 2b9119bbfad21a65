"""What the programs may do is what they do: the API server's own log is the witness."""

import json
from typing import Any

from kubernetes.aio import client, config

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import build_session
from emg_session.sessions import KubernetesSessions
from tests.apiserver.conftest import BUCKET, Site
from tests.support.api_server import rights_in
from tests.support.audit import Use, forbidden, used
from tests.support.operators import started
from tests.support.sessions import SPEC
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen

# The operator has to hear of it before the time is over; then it looks the session up once more.
_LONG_ENOUGH_TO_BE_SEEN_S = 30


def granted(part: str) -> set[Use]:
    """Return what the chart's roles grant to one of its parts: group, resource, verb."""
    roles = [found for found in rights_in("emg") if found["kind"] in ("Role", "ClusterRole")]
    return {
        (group, resource, verb)
        for role in roles
        if role["metadata"]["labels"]["app.kubernetes.io/component"] == part
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def test_the_operator_uses_every_right_it_has_and_is_refused_nothing(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    operator = site.operator(EMG_SWEEP_SECONDS="1", EMG_SWEEP_SETTLE_SECONDS="0")
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
        with started(operator):
            await until_seen(lambda: [*site.reasons().values()] == ["Queued"], "the session has a Job")
            change(site, suspend=True)
            await until_seen(lambda: site.api.items("jobs", site.namespace) == [], "the Job is stopped")
            change(site, suspend=False)
            async with standing_in(site.api.admin, site.namespace, work):
                await until_seen(lambda: [*site.reasons().values()] == ["Completed"], "the session is done")
            await until_seen(lambda: operator.problems("/readyz") == {}, "it is ready")
            change(site, ttlSecondsAfterFinished=_LONG_ENOUGH_TO_BE_SEEN_S)
            await until_seen(lambda: site.reasons() == {}, "the session has gone")
            operator.end()
    entries = site.api.audited(site.namespace)
    assert forbidden(entries) == []
    assert used(entries) == granted("operator")


def change(site: Site, **spec: Any) -> None:
    """Change the only session's spec."""
    (name,) = site.reasons()
    patch = json.dumps({"spec": spec})
    site.api.kubectl("patch", "emgsession", "--namespace", site.namespace, name, "--type=merge", "-p", patch)


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
    assert used(entries) == granted("receiver")


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
