"""A stand-in for the node, where there is an API server alone: it ends pods as the kubelet would, their work done."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from emg_session.contract import ExitCode, TerminationMessage, WorkerContract
from emg_session.database import SummaryStore
from emg_session.errors import Failure
from emg_session.recordings import RecordingStore
from emg_session.resource import SESSION_LABEL
from emg_worker.exit_codes import exit_code
from emg_worker.work import Worker

Work = Callable[[WorkerContract], Awaitable[TerminationMessage]]
_OURS = {"labelSelector": SESSION_LABEL}


@dataclass
class StandIn:
    """Does the work of every pod of a namespace, once each; `starts` tells how often each session's was begun."""

    url: str
    session: aiohttp.ClientSession
    work: Work
    namespace: str
    at_once: int = 8
    starts: dict[str, int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Serve until cancelled."""
        places = asyncio.Semaphore(self.at_once)
        async with asyncio.TaskGroup() as group:
            async for pod in self._pods():
                if pod["metadata"]["uid"] not in self._seen and not pod["metadata"].get("deletionTimestamp"):
                    self._seen.add(pod["metadata"]["uid"])
                    group.create_task(self._serve(pod, places))

    async def _pods(self) -> AsyncIterator[dict[str, Any]]:
        path = f"{self.url}/api/v1/namespaces/{self.namespace}/pods"
        async with self.session.get(path, params=_OURS) as answer:
            listed = await answer.json()
        for pod in listed["items"]:
            yield pod
        since = listed["metadata"]["resourceVersion"]
        watch = _OURS | {"watch": "true", "resourceVersion": since}
        async with self.session.get(path, params=watch, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            async for line in stream.content:
                yield json.loads(line)["object"]

    async def _serve(self, pod: dict[str, Any], places: asyncio.Semaphore) -> None:
        contract = WorkerContract.from_env(_environment(pod))
        self.starts[contract.session_name] = self.starts.get(contract.session_name, 0) + 1
        async with places:
            words = await self.work(contract)
            await self._end(pod, words)

    async def _end(self, pod: dict[str, Any], words: TerminationMessage) -> None:
        path = f"{self.url}/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/status"
        body = json.dumps({"status": _ended(words)})
        headers = {"Content-Type": "application/merge-patch+json"}
        async with self.session.patch(path, data=body, headers=headers) as answer:
            assert answer.status in (200, 404), await answer.text()


def real_work(recordings: RecordingStore, summaries: SummaryStore) -> Work:
    """Return what the worker does, in this process: real recordings, analysis and database."""

    async def work(contract: WorkerContract) -> TerminationMessage:
        try:
            said = await Worker(contract, recordings, summaries).run()
        except Failure as failure:
            return TerminationMessage(exit_code=exit_code(failure), message=str(failure))
        return TerminationMessage(exit_code=ExitCode.STORED, message=said)

    return work


@asynccontextmanager
async def standing_in(kubeconfig: Path, namespace: str, work: Work, *, at_once: int = 8) -> AsyncIterator[StandIn]:
    """Stand in for a node while the block runs."""
    async with connected(kubeconfig) as (url, session):
        stand_in = StandIn(url, session, work, namespace, at_once)
        running = asyncio.create_task(stand_in.run())
        try:
            yield stand_in
        finally:
            running.cancel()
            await asyncio.wait([running])


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Connect to an API server with the certificate that a kubeconfig names."""
    config = json.loads(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    tls.load_cert_chain(user["client-certificate"], user["client-key"])
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**21) as session:
        yield cluster["server"], session


def _environment(pod: dict[str, Any]) -> dict[str, str]:
    """Return the container's environment as the kubelet expands it."""
    return {variable["name"]: variable["value"].replace("$$", "$") for variable in pod["spec"]["containers"][0]["env"]}


def _ended(words: TerminationMessage) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    terminated = {
        "exitCode": words.exit_code,
        "reason": "Completed" if words.exit_code == ExitCode.STORED else "Error",
        "message": words.to_bytes().decode(),
        "startedAt": now,
        "finishedAt": now,
    }
    container = {
        "name": "worker",
        "image": "none",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": terminated},
    }
    phase = "Succeeded" if words.exit_code == ExitCode.STORED else "Failed"
    return {"phase": phase, "startTime": now, "containerStatuses": [container]}
