"""How the operator carries many sessions: a real API server, etcd and Job controller, and a stand-in for the node.

    python benchmarks/scale.py [SESSIONS] [--through N | --suspended]

10,000 sessions by default, which takes some twenty minutes on two quiet cores. With --through only N of them go through
the operator; the others are made with the status of one that did, so that memory and restart are those of all. With
--suspended none of them ends: what is measured is how many unfinished ones take.

The stand-in stores one summary, made once from a real recording, for every session: what is measured is the operator.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import aiohttp

from emg_session import migrate
from emg_session.contract import ExitCode, TerminationMessage, WorkerContract
from emg_session.database import AnalysisResult, SummaryStore, open_summaries
from emg_session.resource import RecordingRef, build_session, build_spec
from emg_worker.work import analyse
from tests.cluster.machine import KUBE
from tests.support.api_server import ApiServer, running_api_server
from tests.support.operators import Operator, started
from tests.support.postgres import fresh_database, running_server
from tests.support.recordings import synthetic_recording
from tests.support.stand_in import connected, standing_in

NAMESPACE = "emg-scale"
PATH = f"/apis/emg.ghostly/v1alpha1/namespaces/{NAMESPACE}/emgsessions"
AT_ONCE = 16
MIB = 2**20


@dataclass(frozen=True)
class Load:
    """How many sessions there are in the end, how many of them the operator has worked on, and whether any may end."""

    sessions: int
    through: int
    suspended: bool = False


@dataclass(frozen=True)
class Usage:
    """What a process has used."""

    cpu_s: float
    resident_mib: float
    peak_mib: float

    @classmethod
    def of(cls, operator: Operator) -> "Usage":
        """Ask the kernel."""
        assert operator.process is not None
        process = Path("/proc", str(operator.process.pid))
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        lines = (line.split() for line in (process / "status").read_text().splitlines())
        kib = {words[0]: int(words[1]) for words in lines if words[-1] == "kB"}
        return cls(ticks / os.sysconf("SC_CLK_TCK"), kib["VmRSS:"] / 1024, kib["VmHWM:"] / 1024)


async def main(load: Load) -> None:
    with tempfile.TemporaryDirectory() as folder, running_server() as postgres, fresh_database(postgres) as database:
        migrate.upgrade(database)
        with running_api_server(Path(folder, "state"), job_syncs=20) as api:
            api.make_namespace(NAMESPACE)
            operator = Operator("operator-0", api.account(NAMESPACE), Path(folder, "operator.log"), settings(database))
            async with open_summaries(database, answer_seconds=60) as summaries:
                if load.suspended:
                    await measure_unfinished(api, operator, load)
                else:
                    await measure(api, operator, summaries, canned(Path(folder)), load)


def settings(database: str) -> dict[str, str]:
    return {
        "EMG_NAMESPACE": NAMESPACE,
        "EMG_WORKER_IMAGE": "localhost/emg:test",
        "EMG_DATABASE_URL": database,
        "EMG_SWEEP_SECONDS": "0",
    }


def canned(folder: Path) -> AnalysisResult:
    spec = build_spec(RecordingRef(uri="s3://recordings/P000/take.c3d", version="1"), "P000/take.c3d")
    return analyse(synthetic_recording(folder).read_bytes(), WorkerContract(session_name="emg-any", spec=spec))


async def measure(
    api: ApiServer, operator: Operator, summaries: SummaryStore, result: AnalysisResult, load: Load
) -> None:
    work = storing(summaries, result)
    async with standing_in(api.admin, NAMESPACE, work, at_once=AT_ONCE), connected(api.admin) as (url, client):
        with started(operator):
            await asyncio.to_thread(operator.wait_until_acting)
            began = time.monotonic()
            await create(url, client, range(load.through))
            tell("created, sessions per second", load.through / (time.monotonic() - began))
            await until(operator, "Completed", load.through)
            tell("created to Completed, sessions per second", load.through / (time.monotonic() - began))
            report(operator, load.through)
            await add_finished(url, client, range(load.through, load.sessions))
            await until(operator, "Completed", load.sessions)
            tell("operator's memory with all sessions there, MiB", Usage.of(operator).resident_mib)
        await restart(operator, "Completed", load.sessions)
        await sizes(api, url, client)


async def measure_unfinished(api: ApiServer, operator: Operator, load: Load) -> None:
    async with connected(api.admin) as (url, client):
        with started(operator):
            await asyncio.to_thread(operator.wait_until_acting)
            await create(url, client, range(load.sessions), suspend=True)
            await until(operator, "Suspended", load.sessions)
            tell("operator's memory with all of them unfinished, MiB", Usage.of(operator).resident_mib)
            tell("the same at most, MiB", Usage.of(operator).peak_mib)
        await restart(operator, "Suspended", load.sessions)
        await sizes(api, url, client)


def storing(
    summaries: SummaryStore, result: AnalysisResult
) -> Callable[[WorkerContract], Awaitable[TerminationMessage]]:
    async def work(contract: WorkerContract) -> TerminationMessage:
        own = replace(result, parameters=contract.parameters())
        await summaries.save_result(contract.session_name, contract.spec, own)
        return TerminationMessage(exit_code=ExitCode.STORED, message="summary stored")

    return work


async def create(url: str, client: aiohttp.ClientSession, numbers: range, *, suspend: bool = False) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        body = manifest(number)
        body["spec"]["suspend"] = suspend
        async with places, client.post(url + PATH, json=body) as answer:
            answer.raise_for_status()

    await asyncio.gather(*map(one, numbers))


async def add_finished(url: str, client: aiohttp.ClientSession, numbers: range) -> None:
    """Make sessions that have their end already: that of the first one, which went through the operator."""
    async with client.get(f"{url}{PATH}/{manifest(0)['metadata']['name']}") as answer:
        body = json.dumps({"status": (await answer.json())["status"]})
    places, headers = asyncio.Semaphore(AT_ONCE), {"Content-Type": "application/merge-patch+json"}

    async def one(number: int) -> None:
        finished = manifest(number)
        finished["spec"]["suspend"] = True  # so that nothing happens before it has its end
        async with places:
            async with client.post(url + PATH, json=finished) as answer:
                answer.raise_for_status()
            path = f"{url}{PATH}/{finished['metadata']['name']}/status"
            async with client.patch(path, data=body, headers=headers) as answer:
                answer.raise_for_status()

    await asyncio.gather(*map(one, numbers))


def manifest(number: int) -> dict[str, Any]:
    key = f"P{number % 1000:03}/take-{number}.c3d"
    spec = build_spec(RecordingRef(uri=f"s3://recordings/{key}", version="1", size_bytes=2 * MIB), key)
    return build_session(spec, namespace=NAMESPACE)


async def until(operator: Operator, reason: str, sessions: int) -> None:
    series = f'emg_operator_sessions{{reason="{reason}"}}'
    while (done := await asyncio.to_thread(operator.metric, series)) < sessions:
        sys.stderr.write(f"\r{done:.0f} of {sessions} {reason}, {Usage.of(operator).resident_mib:.0f} MiB ")
        await asyncio.sleep(2)
    sys.stderr.write("\n")


def report(operator: Operator, sessions: int) -> None:
    usage = Usage.of(operator)
    tell("operator's CPU, milliseconds per session", 1000 * usage.cpu_s / sessions)
    tell("operator's memory at the end, MiB", usage.resident_mib)
    tell("operator's memory at most, MiB", usage.peak_mib)
    writes = {kind: written(operator, kind) for kind in ("job", "status", "event", "session")}
    for kind, number in writes.items():
        tell(f"writes of kind {kind} per session", number / sessions)
    tell("writes per session (goal: at most 6)", sum(writes.values()) / sessions)


def written(operator: Operator, kind: str) -> float:
    outcomes = ("done", "conflict", "refused", "throttled", "failed")
    series = 'emg_operator_api_writes_total{{kind="{}",outcome="{}"}}'
    return sum(operator.metric(series.format(kind, outcome)) for outcome in outcomes)


async def restart(operator: Operator, reason: str, sessions: int) -> None:
    began = time.monotonic()
    with started(operator):
        await asyncio.to_thread(operator.wait_until_acting)
        await until(operator, reason, sessions)
        tell("restart with all of them there, seconds until all are known", time.monotonic() - began)
        usage = Usage.of(operator)
        tell("its CPU seconds", usage.cpu_s)
        tell("its memory, MiB", usage.resident_mib)
        tell("its memory at most, MiB", usage.peak_mib)
        tell("its writes besides the lease", sum(written(operator, kind) for kind in ("job", "status", "event")))


async def sizes(api: ApiServer, url: str, client: aiohttp.ClientSession) -> None:
    async with client.get(url + PATH, params={"limit": "100"}) as answer:
        listed: list[dict[str, Any]] = (await answer.json())["items"]
    stored = [len(json.dumps(body, separators=(",", ":"))) for body in listed]
    tell("bytes of a session in etcd, mean", sum(stored) / len(stored))
    tell("bytes of a session in etcd, at most", max(stored))
    own = [len(json.dumps(without_managed_fields(body), separators=(",", ":"))) for body in listed]
    tell("the same without managedFields, mean", sum(own) / len(own))
    jobs = json.loads(api.kubectl("get", "--raw", f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs?limit=100"))["items"]
    if jobs:
        tell("bytes of a Job, mean", sum(len(json.dumps(job, separators=(",", ":"))) for job in jobs) / len(jobs))
    words = Counter(body["status"]["conditions"][-1]["reason"] for body in listed)
    tell("reasons of the first hundred", dict(words))


def without_managed_fields(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"metadata": {name: value for name, value in body["metadata"].items() if name != "managedFields"}}


def tell(what: str, value: object) -> None:
    print(f"{what:<64}{value:>12.2f}" if isinstance(value, float) else f"{what:<64}{value!s:>12}", flush=True)


if __name__ == "__main__":
    if not KUBE.exists():
        sys.exit("build the node's parts first: python -m tests.cluster.node build")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", type=int, nargs="?", default=10_000)
    parser.add_argument("--through", type=int)
    parser.add_argument("--suspended", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended
    through = given.sessions if given.through is None else given.through
    asyncio.run(main(Load(given.sessions, through, given.suspended)))
    sys.stdout.flush()
    os._exit(0)  # object storage's threads can abort an interpreter that is being torn down
