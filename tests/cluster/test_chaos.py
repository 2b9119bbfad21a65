"""Replicas of the operator are killed at random while sessions run on a real node: every one succeeds, and once.

CI kills a few; `make chaos-node` as many as EMG_NODE_KILLS and EMG_NODE_SESSIONS say.
"""

import json
import os
import random
import time
from collections import Counter

import pytest

from emg_session.resource import build_session, build_spec
from tests.cluster.deployment import NAMESPACE, Deployment, cluster, reasons, require_node, sessions_of
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

KILLS = int(os.environ.get("EMG_NODE_KILLS", "3"))
SESSIONS = int(os.environ.get("EMG_NODE_SESSIONS", "9"))
LONGEST_LIFE_S = 4.0
REPLICAS = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()


def test_every_session_succeeds_once_however_often_replicas_are_killed(
    deployment: Deployment, recording: bytes
) -> None:
    dice = random.Random(SESSIONS)
    for number in range(KILLS):
        create(deployment, recording, range(number, SESSIONS, KILLS))
        time.sleep(dice.uniform(0, LONGEST_LIFE_S))
        kill_one(dice)
    wait_until(lambda: reasons("KILL") == {"Completed": SESSIONS}, "all sessions have ended")
    assert Counter(jobs_per_session().values()) == {1: SESSIONS}
    (stored,) = deployment.query(
        "SELECT count(*) FROM bi_sessions WHERE starts_with(subject, 'KILL') AND contractions > 0"
    )
    assert stored == (SESSIONS,)
    cluster("wait", "--for=condition=Available", "deployment/emg-operator", "--timeout=600s")


def create(deployment: Deployment, recording: bytes, numbers: range) -> None:
    """Upload recordings and create the sessions that a receiver would make of them."""
    manifests = []
    for number in numbers:
        key = f"KILL{number}/take.c3d"
        stored = deployment.upload(key, recording + b"\0" * number)
        manifests.append(build_session(build_spec(stored, key), namespace=NAMESPACE))
    cluster("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))


def kill_one(dice: random.Random) -> None:
    """Kill a replica, the acting one or another, as when its node were lost."""
    pods = cluster("get", "pods", "--selector", REPLICAS, "-o", "name").split()
    if pods:
        cluster("delete", dice.choice(pods), "--force", "--grace-period=0", "--ignore-not-found")


def jobs_per_session() -> Counter[str]:
    names = {session["metadata"]["name"] for session in sessions_of("KILL")}
    jobs = json.loads(cluster("get", "jobs", "-o", "json"))["items"]
    sessions = (job["metadata"]["labels"].get("emg.ghostly/session") for job in jobs)
    return Counter(session for session in sessions if session in names)
