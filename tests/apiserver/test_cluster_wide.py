"""One operator for all namespaces, by choice."""

from emg_session.resource import build_session
from tests.apiserver.conftest import Site
from tests.support.api_server import rights_in
from tests.support.audit import forbidden
from tests.support.operators import started
from tests.support.waiting import wait_until


def test_sessions_of_one_name_in_two_namespaces_get_a_job_each(site: Site, recording: bytes) -> None:
    other = f"{site.namespace}-other"
    site.api.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}},
        *rights_in(site.namespace, clusterWide=True),
    )
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
