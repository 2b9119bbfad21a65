"""Jobs on one machine: the Job controller's and the kubelet's part, with a process where a pod would be."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from emg_local.cluster import LocalCluster, timestamp
from emg_local.job_bodies import (
    DEADLINE_EXCEEDED,
    JOB_NAME_LABEL,
    Ended,
    build_pod,
    decide_ending,
    ended_status,
    ending_status,
    finished,
    running_status,
)
from emg_operator.bodies import Body, Kind
from emg_session.contract import TERMINATION_MESSAGE_BYTES

_PYTHONS = ("python", "python3")
_CANNOT_START = 128  # what the kubelet says of a command it can't start
_KILLED = 137
_FOREVER_S = 10**9


class LocalJobs:
    """Runs every unfinished Job of a LocalCluster, at most one process for each CPU.

    `secrets` is the environment that a pod would get from its Secret; logs and last words go below `folder`.
    """

    def __init__(
        self,
        cluster: LocalCluster,
        *,
        folder: Path,
        secrets: Mapping[str, str],
        now: Callable[[], datetime],
        backoff_s: float = 1.0,
    ) -> None:
        self._cluster = cluster
        self._folder = folder
        self._secrets = secrets
        self._now = now
        self._backoff_s = backoff_s
        self._places = asyncio.Semaphore(os.cpu_count() or 1)
        self._wanted: asyncio.Queue[tuple[str, Callable[[str], Coroutine[Any, Any, None]]]] = asyncio.Queue()
        self._seen: set[str] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def observe(self, kind: Kind, event: str | None, body: Body) -> None:
        """Take in a Job to run or to stop; whatever else changes is no news here."""
        if kind is not Kind.JOB or event == "DELETED":
            return
        job = body["metadata"]
        if job.get("deletionTimestamp"):
            self._wanted.put_nowait((job["name"], self._remove_job))
        elif not (finished(body) or body["spec"].get("suspend") or job["uid"] in self._seen):
            self._seen.add(job["uid"])
            self._wanted.put_nowait((job["name"], self._run_job))

    async def run(self) -> None:
        """Run Jobs until cancelled, then end their processes."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                name, work = await self._wanted.get()
                task = tasks.create_task(work(name))
                if work == self._run_job:
                    self._running[name] = task

    async def _remove_job(self, name: str) -> None:
        """Do what the cluster's garbage collector does: the Job goes once its pods are gone."""
        if running := self._running.pop(name, None):
            running.cancel()
            await asyncio.wait([running])
        for pod in self._pods(name):
            self._cluster.remove(Kind.POD, pod["metadata"]["name"])
        self._cluster.remove(Kind.JOB, name)

    async def _run_job(self, name: str) -> None:
        job = self._start_job(name)
        try:
            async with asyncio.timeout(self._seconds_left(job)):
                ending = decide_ending(job, self._pods(name), job["status"]["failed"])
                while ending is None:
                    await asyncio.sleep(self._pause_s(job["status"]["failed"]))
                    job = await self._run_pod(job)
                    ending = decide_ending(job, self._pods(name), job["status"]["failed"])
        except TimeoutError:
            ending = DEADLINE_EXCEEDED
        self._cluster.merge_status(Kind.JOB, name, ending_status(ending, timestamp(self._now())))

    def _start_job(self, name: str) -> Body:
        """Show a Job as started; after a crash, count the pods whose processes died with us."""
        job = self._cluster.body(Kind.JOB, name)
        pods = self._pods(name)
        lost = [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
        for pod in lost:
            self._cluster.remove(Kind.POD, pod)
        status = {"startTime": timestamp(self._now())} | job.get("status", {})
        status["failed"] = max(status.get("failed", 0), _count(pods, "Failed")) + len(lost)
        return self._cluster.merge_status(Kind.JOB, name, status | {"active": 0})

    async def _run_pod(self, job: Body) -> Body:
        name = f"{job['metadata']['name']}-{uuid.uuid4().hex[:5]}"
        self._cluster.add(Kind.POD, build_pod(job, name))
        self._cluster.merge_status(Kind.JOB, job["metadata"]["name"], {"active": 1})
        try:
            async with self._places:
                ended = await self._run_process(name)
        except asyncio.CancelledError:
            self._cluster.remove(Kind.POD, name)
            raise
        self._cluster.merge_status(Kind.POD, name, ended_status(self._cluster.body(Kind.POD, name), ended))
        pods = self._pods(job["metadata"]["name"])
        failed = job["status"]["failed"] + (1 if ended.exit_code else 0)
        counts = {"active": 0, "failed": failed, "succeeded": _count(pods, "Succeeded")}
        return self._cluster.merge_status(Kind.JOB, job["metadata"]["name"], counts)

    async def _run_process(self, pod_name: str) -> Ended:
        pod = self._cluster.body(Kind.POD, pod_name)
        started_at = timestamp(self._now())
        words = self._folder / f"{pod_name}.termination"
        try:
            process = await self._spawn(pod["spec"]["containers"][0], words, pod_name)
        except OSError as error:
            return self._ended(_CANNOT_START, "StartError", str(error), started_at)
        self._cluster.merge_status(Kind.POD, pod_name, running_status(pod, started_at))
        try:
            async with asyncio.timeout(pod["spec"].get("activeDeadlineSeconds", _FOREVER_S)):
                code = await _exit_code(process)
        except TimeoutError:
            return replace(self._ended(_KILLED, "Error", "", started_at), past_deadline=True)
        return self._ended(code, "Error" if code else "Completed", _last_words(words), started_at)

    async def _spawn(self, container: Body, words: Path, pod_name: str) -> asyncio.subprocess.Process:
        command = [*container["command"], *container.get("args", [])]
        if command[0] in _PYTHONS:
            command[0] = sys.executable
        # The kubelet reads $$ as $; nothing of ours refers to another variable by $(NAME).
        env = {variable["name"]: variable["value"].replace("$$", "$") for variable in container.get("env", [])}
        inherited = {"PATH": os.environ.get("PATH", os.defpath), "EMG_TERMINATION_LOG": str(words)}
        with (self._folder / f"{pod_name}.log").open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *command,
                env=inherited | dict(self._secrets) | env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we end our processes
            )

    def _ended(self, code: int, reason: str, message: str, started_at: str) -> Ended:
        finished_at = timestamp(self._now())
        return Ended(exit_code=code, reason=reason, message=message, started_at=started_at, finished_at=finished_at)

    def _pods(self, job_name: str) -> list[Body]:
        pods = self._cluster.bodies(Kind.POD, prefix=f"{job_name}-")
        return [pod for pod in pods if pod["metadata"]["labels"][JOB_NAME_LABEL] == job_name]

    def _pause_s(self, failed: int) -> float:
        return self._backoff_s * 2 ** (failed - 1) if failed else 0.0

    def _seconds_left(self, job: Body) -> float:
        since = msgspec.convert(job["status"]["startTime"], datetime)
        allowed = timedelta(seconds=job["spec"].get("activeDeadlineSeconds", _FOREVER_S))
        return (since + allowed - self._now()) / timedelta(seconds=1)


def _last_words(path: Path) -> str:
    message = path.read_bytes()[:TERMINATION_MESSAGE_BYTES].decode(errors="replace") if path.exists() else ""
    path.unlink(missing_ok=True)
    return message


def _count(pods: list[dict[str, Any]], phase: str) -> int:
    return sum(pod["status"]["phase"] == phase for pod in pods)


async def _exit_code(process: asyncio.subprocess.Process) -> int:
    """Wait for the exit code, as a shell counts it; cancelled, end the process with all its children."""
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    return code if code >= 0 else 128 - code
