"""The operator as a process: its probes, its metrics, its rights."""

import json
import signal

from tests.apiserver.conftest import Site
from tests.support.operators import started
from tests.support.proxy import proxied
from tests.support.waiting import wait_until

KINDS = ("emgsessions", "jobs", "pods")


def test_a_running_operator_is_live_and_ready_and_hears_its_watches(site: Site) -> None:
    operator = site.operator()
    with started(operator):
        operator.wait_until_acting()
        wait_until(lambda: operator.problems("/readyz") == {}, "it is ready")
        assert operator.problems("/livez") == {}
        for kind in KINDS:
            assert operator.metric(f'emg_operator_watch_age_seconds{{kind="{kind}"}}') < 65
        assert operator.end() == 0


def test_without_its_database_it_is_live_but_not_ready(site: Site) -> None:
    operator = site.operator(EMG_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    with started(operator):
        operator.wait_until_acting()
        wait_until(lambda: list(operator.problems("/readyz")) == ["database"], "the definition has answered in time")
        assert operator.problems("/livez") == {}


def test_with_the_definition_of_another_version_it_is_not_ready_and_says_which_field_is_missing(site: Site) -> None:
    definition = json.loads(site.api.kubectl("get", "crd", "emgsessions.emg.ghostly", "-o", "json"))
    version = definition["spec"]["versions"][0]
    attempt = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["attempts"]
    kept = attempt["items"]["properties"].pop("memoryMiB")
    site.api.kubectl("replace", "-f", "-", stdin=json.dumps(definition))
    operator = site.operator()
    try:
        with started(operator):
            operator.wait_until_acting()
            wait_until(lambda: "status.attempts[].memoryMiB" in str(operator.problems("/readyz")), "it complains")
            operator.end(signal.SIGTERM)
    finally:
        attempt["items"]["properties"]["memoryMiB"] = kept
        del definition["metadata"]["resourceVersion"]
        site.api.kubectl("replace", "-f", "-", stdin=json.dumps(definition))


def test_watches_that_fall_silent_are_noticed_though_their_connections_stay_open(site: Site) -> None:
    with proxied(site.api.port) as network:
        operator = site.operator()
        operator.kubeconfig = site.api.moved(operator.kubeconfig, network.port)
        with started(operator):
            operator.wait_until_acting()
            wait_until(lambda: all(f"watch={kind} opened" in operator.log.read_text() for kind in KINDS), "it watches")
            network.fall_silent()
            wait_until(lambda: set(operator.problems("/livez")) == set(KINDS), "it notices")
            wait_until(lambda: operator.problems("/livez") == {}, "kopf connects anew")
            assert operator.role() == "acting"
