"""Only an object that is there already is done; what else conflicts has to come again."""

from dataclasses import dataclass

import pytest
from kubernetes.aio import client

from emg_operator.cluster import KubernetesCluster
from emg_session.errors import ClusterUnavailable
from emg_session.sessions import KubernetesSessions

MANIFEST = {"metadata": {"namespace": "emg", "name": "emg-1"}}
THERE = '{"kind": "Status", "reason": "AlreadyExists", "code": 409}'
OTHERS = ['{"kind": "Status", "reason": "Conflict"}', '{"reason": 1}', "[]", "busy", "[" * 100_000, "", None]


@dataclass
class Conflicting:
    """An API server that answers every create with 409."""

    body: str | None

    async def create_namespaced_custom_object(self, *_: object, **__: object) -> None:
        raise client.ApiException(status=409, reason="Conflict", body=self.body)


async def test_what_is_there_already_is_done() -> None:
    assert await KubernetesSessions(Conflicting(THERE), "emg").create(MANIFEST) is False
    assert await KubernetesCluster(Conflicting(THERE), "emg").create_job(MANIFEST) is None
    await KubernetesCluster(Conflicting(THERE), "emg").create_event(MANIFEST)


@pytest.mark.parametrize("body", OTHERS, ids=range(len(OTHERS)))
async def test_another_conflict_is_for_later(body: str | None) -> None:
    cluster = KubernetesCluster(Conflicting(body), "emg")
    for create in (KubernetesSessions(Conflicting(body), "emg").create, cluster.create_job, cluster.create_event):
        with pytest.raises(ClusterUnavailable, match="answered 409"):
            await create(MANIFEST)
