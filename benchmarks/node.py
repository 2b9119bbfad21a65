"""Where the seconds of a session go on a real node: receive, queue, schedule, start, fetch, analyse, store, notice.

    python benchmarks/node.py [SESSIONS]   200 by default; root, Debian and Go are needed, as for the cluster suite

All clocks are this machine's. What the cluster shows is timed by a watch of our own, what the worker does by its log.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import aiohttp

from emg_session.resource import SESSION_LABEL
from tests.cluster.deployment import NAMESPACE, Deployment, cluster, deployed, require_node
from tests.cluster.machine import KUBECONFIG, node_lock, node_network
from tests.cluster.parts import build_parts
from tests.support.needs import shared_data
from tests.support.stand_in import connected

RECORDING = "c3d/real/ghostly/Ghostly_Emg_20230321_17-23-09-0409.c3d"
PATHS = {
    "session": f"/apis/emg.ghostly/v1alpha1/namespaces/{NAMESPACE}/emgsessions",
    "job": f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs",
    "pod": f"/api/v1/namespaces/{NAMESPACE}/pods",
}
LOGGED = {"reading": "reading", "analysing": "analysing", "storing": "storing", "summary": "stored"}
PHASES = (
    ("queue: session seen, Job made", "session", "job"),
    ("schedule: Job made, pod on the node", "job", "scheduled"),
    ("start: pod on the node, worker reads", "scheduled", "reading"),
    ("fetch", "reading", "analysing"),
    ("analyse", "analysing", "storing"),
    ("store", "storing", "stored"),
    ("notice: stored, session Completed", "stored", "completed"),
    ("all: session seen, Completed", "session", "completed"),
)
LOG_LINE = re.compile(
    r"\[pod/(?P<session>emg-\w+)-a\d+-\w+/worker\] (?P<at>\S+) emg_worker: (?:\+\d+ ms: )?(?P<word>\w+)"
)
AT_ONCE = 4

Moments = dict[str, dict[str, float]]


class Watching:
    """Notes when the cluster showed what, in a thread that lives in the node's network."""

    def __init__(self) -> None:
        self.moments: Moments = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def completed(self) -> int:
        """Return how many sessions have been seen Completed."""
        return sum("completed" in moments for moments in list(self.moments.values()))

    def _run(self) -> None:
        with node_network(), suppress(aiohttp.ClientError):  # the node goes down in the end
            asyncio.run(self._watch_all())

    async def _watch_all(self) -> None:
        async with connected(KUBECONFIG) as (url, client):
            await asyncio.gather(*(self._watch(kind, client, url + path) for kind, path in PATHS.items()))

    async def _watch(self, kind: str, client: aiohttp.ClientSession, url: str) -> None:
        async for body in shown(client, url):
            session = body["metadata"].get("labels", {}).get(SESSION_LABEL, body["metadata"]["name"])
            for moment in moments_of(kind, body):
                self.moments.setdefault(session, {}).setdefault(moment, time.time())


async def shown(client: aiohttp.ClientSession, url: str) -> AsyncIterator[dict[str, Any]]:
    timeout = aiohttp.ClientTimeout(total=None)
    async with client.get(url, params={"watch": "true"}, timeout=timeout) as stream:
        async for line in stream.content:
            yield json.loads(line)["object"]


def moments_of(kind: str, body: Mapping[str, Any]) -> Iterable[str]:
    conditions = {c["type"]: c for c in body.get("status", {}).get("conditions", [])}
    if kind == "pod":
        return ["scheduled"] if conditions.get("PodScheduled", {}).get("status") == "True" else []
    if kind == "session" and conditions.get("Succeeded", {}).get("reason") == "Completed":
        return ["session", "completed"]
    return [kind]


def main(sessions: int) -> None:
    build_parts()
    with tempfile.TemporaryDirectory() as folder, node_lock(), deployed(Path(folder)) as deployment:
        keys = upload(deployment, sessions)
        watching = Watching()
        watching.start()
        began = time.monotonic()
        receive_s = notify_all(deployment, keys)
        wait_until_completed(watching, sessions)
        seconds = time.monotonic() - began
        report(with_logs(watching.moments), receive_s, seconds / sessions)


def upload(deployment: Deployment, sessions: int) -> list[str]:
    data = shared_data(RECORDING).read_bytes()
    keys = [f"P{number % 100:03}/take-{number}.c3d" for number in range(sessions)]
    for number, key in enumerate(keys):
        deployment.upload(key, data + b"\0" * number)
    return keys


def notify_all(deployment: Deployment, keys: list[str]) -> list[float]:
    def notify(key: str) -> float:
        answer = deployment.notify(key)
        answer.raise_for_status()
        return answer.elapsed.total_seconds()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(notify, keys))


def wait_until_completed(watching: Watching, sessions: int) -> None:
    deadline = time.monotonic() + 20 * sessions
    while (done := watching.completed()) < sessions:
        sys.stderr.write(f"\r{done} of {sessions} completed ")
        if time.monotonic() > deadline:
            sys.exit(cluster("get", "emgsessions,jobs,pods"))
        time.sleep(1)
    sys.stderr.write("\n")


def with_logs(moments: Moments) -> Moments:
    log = cluster("logs", f"--selector={SESSION_LABEL}", "--prefix", "--timestamps", "--tail=-1")
    for line in LOG_LINE.finditer(log):
        if moment := LOGGED.get(line["word"]):
            at = datetime.fromisoformat(line["at"][:26].rstrip("Z")).replace(tzinfo=UTC).timestamp()
            moments[line["session"]].setdefault(moment, at)
    return moments


def report(moments: Moments, receive_s: list[float], seconds_per_session: float) -> None:
    tell("receive: notice posted, answered", receive_s)
    for name, start, end in PHASES:
        tell(name, [one[end] - one[start] for one in moments.values() if start in one and end in one])
    sys.stdout.write(f"\n{'seconds per session, all of them at once':<44}{seconds_per_session:>10.3f}\n")


def tell(name: str, seconds: list[float]) -> None:
    twentieths = statistics.quantiles(seconds, n=20)
    sys.stdout.write(f"{name:<44}{len(seconds):>6} median {twentieths[9]:>8.3f} s   p95 {twentieths[18]:>8.3f} s\n")


if __name__ == "__main__":
    require_node()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    sys.stdout.flush()
    os._exit(0)  # object storage's threads can abort an interpreter that is being torn down
