"""What the operator does when nobody tells it anything, and when one of its replicas is gone."""

import pytest

from tests.cluster.deployment import Deployment, cluster, reasons, require_node
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

RECORDINGS = 20


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()


def test_recordings_that_came_while_no_receiver_ran_are_all_analysed(deployment: Deployment, recording: bytes) -> None:
    cluster("scale", "deployment/emg-receiver", "--replicas=0")
    cluster("wait", "--for=delete", "pod", "--selector=app.kubernetes.io/component=receiver", "--timeout=600s")
    for number in range(RECORDINGS):
        deployment.upload(f"SW{number:03}/take.c3d", recording + b"\0" * number)
    cluster("scale", "deployment/emg-receiver", "--replicas=1")
    wait_until(lambda: reasons("SW") == {"Completed": RECORDINGS}, "all of them are analysed")


def test_a_killed_replica_is_followed_by_the_other(deployment: Deployment, recording: bytes) -> None:
    holder = acting()
    cluster("delete", "pod", holder, "--force", "--grace-period=0")
    deployment.upload("FO001/take.c3d", recording)
    deployment.notify("FO001/take.c3d").raise_for_status()
    wait_until(lambda: acting() not in ("", holder), "the other replica acts")
    wait_until(lambda: reasons("FO") == {"Completed": 1}, "the session is analysed")
    cluster("wait", "--for=condition=Available", "deployment/emg-operator", "--timeout=600s")


def acting() -> str:
    """Return the pod that holds the lease."""
    return cluster("get", "lease", "emg-operator", "-o", "jsonpath={.spec.holderIdentity}")
