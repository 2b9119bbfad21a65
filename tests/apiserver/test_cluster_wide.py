"""One operator for all namespaces, by choice."""

from typing import Any

from emg_session.resource import build_session
from tests.apiserver.conftest import Site
from tests.support.api_server import rights_in
from tests.support.audit import forbidden
from tests.support.operators import started
from tests.support.waiting import wait_until


def everywhere(namespace: str) -> list[dict[str, Any]]:
    """Return the operator's role of one namespace as one for all."""
    role = next(one for one in rights_in(namespace) if one["kind"] == "Role" and "operator" in one["metadata"]["name"])
    name = {"name": f"emg-operator-of-{namespace}"}
    api = {"apiVersion": role["apiVersion"], "metadata": name}
    account = {"kind": "ServiceAccount", "name": "emg-operator", "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"} | name
    return [
        api | {"kind": "ClusterRole", "rules": role["rules"]},
        api | {"kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [account]},
    ]


def test_sessions_of_one_name_in_two_namespaces_get_a_job_each(site: Site, recording: bytes) -> None:
    other = f"{site.namespace}-other"
    site.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}, *everywhere(site.namespace))
    spec = site.upload("P001/take.c3d", recording)
    site.api.apply(*(build_session(spec, namespace=namespace) for namespace in (site.namespace, other)))
    operator = site.operator(EMG_CLUSTER_WIDE="1")
    with started(operator):
        wait_until(lambda: [len(site.api.items("jobs", n)) for n in (site.namespace, other)] == [1, 1], "both have one")
        assert operator.problems("/livez") == {}
    assert forbidden(site.api.audited(site.namespace)) == []
    site.api.kubectl("delete", "namespace", other, "--wait=false")


def test_by_default_sessions_of_other_namespaces_are_let_alone(site: Site, recording: bytes) -> None:
    other = f"{site.namespace}-other"
    site.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}})
    spec = site.upload("P001/take.c3d", recording)
    site.api.apply(*(build_session(spec, namespace=namespace) for namespace in (other, site.namespace)))
    with started(site.operator()):
        wait_until(lambda: site.api.items("jobs", site.namespace), "its own session has a Job")
        assert site.api.items("jobs", other) == []
    site.api.kubectl("delete", "namespace", other, "--wait=false")
