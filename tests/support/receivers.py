"""The web programs as processes of their own, as a pod would run them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.s3 import free_port
from tests.support.waiting import wait_until

_HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class WebProcess:
    """A running receiver or signals API."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    started_in_s: float

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{_HOST}:{self.port}"

    def cpu_s(self) -> float:
        """Return the processor time it took so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_bytes(self) -> int:
        """Return how much memory it takes now."""
        (line,) = (line for line in self._status().splitlines() if line.startswith("VmRSS:"))
        return 1024 * int(line.split()[1])

    def events(self) -> list[dict[str, object]]:
        """Return what it logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def _status(self) -> str:
        return Path(f"/proc/{self.process.pid}/status").read_text()


@contextmanager
def receiving(account: Path, log: Path, settings: Mapping[str, str]) -> Iterator[WebProcess]:
    """Run a receiver with an account of a cluster while the block runs."""
    with web_process("receiver", log, {"KUBECONFIG": str(account), **settings}) as receiver:
        yield receiver


@contextmanager
def web_process(program: str, log: Path, settings: Mapping[str, str]) -> Iterator[WebProcess]:
    """Run `receiver` or `signals` on a free port while the block runs."""
    port = free_port(_HOST)
    own = {"EMG_HOST": _HOST, "EMG_PORT": str(port)}
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | own | dict(settings)
    started = time.perf_counter()
    with log.open("wb") as into:
        command = [sys.executable, "-m", "emg_api", program]
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=into, stderr=into)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), f"the {program} answers")
        seconds = time.perf_counter() - started
        assert process.poll() is None, log.read_text()
        yield WebProcess(process=process, port=port, log=log, started_in_s=seconds)
    finally:
        process.terminate()
        process.wait(300)


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://{_HOST}:{port}/livez", timeout=30).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
