"""The operator as a process of its own, as a pod would run it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.s3 import free_port
from tests.support.waiting import wait_until


@dataclass
class Operator:
    """One replica: started, killed and started again under the same name, as a container in its pod."""

    name: str
    kubeconfig: Path
    log: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=lambda: free_port("127.0.0.1"))
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it."""
        own = {"KUBECONFIG": str(self.kubeconfig), "HOSTNAME": self.name, "EMG_PROBE_PORT": str(self.port)}
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | own | dict(self.settings)
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "emg_operator"]
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End it with a signal and return its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(number)
        return self.process.wait(300)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def ask(self, path: str) -> httpx2.Response | None:
        """Return its answer, None where nobody answers."""
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)
        except httpx2.HTTPError:
            return None

    def role(self) -> str | None:
        """Return whether it acts or stands by, None where nobody answers."""
        answer = self.ask("/livez")
        return None if answer is None else str(answer.json()["role"])

    def problems(self, path: str) -> dict[str, Any]:
        """Return what a probe complains of."""
        answer = self.ask(path)
        found: dict[str, Any] = {"process": "does not answer"} if answer is None else answer.json()["problems"]
        return found

    def metric(self, series: str) -> float:
        """Return the value of a series as Prometheus would scrape it."""
        answer = self.ask("/metrics")
        lines = [] if answer is None else answer.text.splitlines()
        values = [float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == series]
        assert len(values) == 1, f"{series} is not told; see {self.log}"
        return values[0]

    def wait_until_acting(self) -> None:
        """Return once it acts."""
        wait_until(lambda: self.role() == "acting" or not self.running, f"{self.name} acts; see {self.log}")
        assert self.running, self.log.read_text()[-4000:]


@contextmanager
def started(operator: Operator) -> Iterator[Operator]:
    """Run a replica while the block runs."""
    operator.start()
    try:
        yield operator
    finally:
        if operator.running:
            operator.end(signal.SIGKILL)
