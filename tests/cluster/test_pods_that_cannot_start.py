"""What people see of a pod that can't start, and what becomes of its session once the cause is gone, on a real node.

The operator of these tests tells of such trouble after five seconds.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emg_session.resource import build_session, build_spec
from tests.cluster.deployment import NAMESPACE, Deployment, cluster, require_node
from tests.cluster.machine import run, succeeds
from tests.cluster.pods import ctr
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

IMAGE, MISSING = "localhost/emg:test", "localhost/emg:later"
TOO_MUCH_MIB, ENOUGH_MIB = 65_536, 256


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()


def create(deployment: Deployment, key: str, recording: bytes, **job: int) -> str:
    manifest = build_session(build_spec(deployment.upload(key, recording), key), namespace=NAMESPACE)
    manifest["spec"] |= {"job": job}
    cluster("create", "-f", "-", stdin=json.dumps(manifest))
    name: str = manifest["metadata"]["name"]
    return name


def top(name: str) -> tuple[str, str]:
    """Return reason and message of what people read."""
    session = json.loads(cluster("get", "emgsession", name, "-o", "json"))
    conditions = {c["type"]: c for c in session.get("status", {}).get("conditions", [])}
    succeeded = conditions.get("Succeeded", {})
    return succeeded.get("reason", ""), succeeded.get("message", "")


@contextmanager
def worker_image(image: str) -> Iterator[None]:
    """Have the operator run Jobs from another image while the block runs."""
    change(image)
    try:
        yield
    finally:
        change(IMAGE)


def change(image: str) -> None:
    cluster("set", "env", "deployment/emg-operator", f"EMG_WORKER_IMAGE={image}")
    cluster("rollout", "status", "deployment/emg-operator", "--timeout=600s")


def test_a_session_whose_image_is_missing_says_so_and_goes_on_once_it_is_there(
    deployment: Deployment, recording: bytes
) -> None:
    succeeds(*ctr("images", "rm", MISSING))  # images outlive the node
    with worker_image(MISSING):
        name = create(deployment, "P301/take.c3d", recording)
        wait_until(lambda: top(name)[0] == "Pending", "the trouble is told")
        assert top(name)[1] == f"{name}-a1 can't start: ImagePullBackOff: the image can't be pulled"
    run(*ctr("images", "tag", IMAGE, MISSING))
    wait_until(lambda: top(name)[0] == "Completed", "the same Job has found its image")


def test_a_session_that_no_node_can_take_says_so_and_goes_on_once_it_asks_for_less(
    deployment: Deployment, recording: bytes
) -> None:
    name = create(deployment, "P302/take.c3d", recording, memoryMiB=TOO_MUCH_MIB)
    wait_until(lambda: top(name)[0] == "Pending", "the trouble is told")
    assert "can't start: Unschedulable: 0/1 nodes are available: 1 Insufficient memory" in top(name)[1]
    change_spec(name, suspend=True, job={"memoryMiB": ENOUGH_MIB})
    wait_until(lambda: top(name)[0] == "Suspended", "its Job is gone")
    change_spec(name, suspend=False)
    wait_until(lambda: top(name)[0] == "Completed", "it runs with less")


def change_spec(name: str, **fields: object) -> None:
    cluster("patch", "emgsession", name, "--type=merge", "-p", json.dumps({"spec": fields}))
