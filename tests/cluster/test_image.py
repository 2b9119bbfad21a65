"""The image on the node: nothing in it but what runs, and a worker that starts at once."""

import json
import os
import sys
import time
import tomllib
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tests.cluster.deployment import NAMESPACE, Deployment, cluster, reasons, require_node, results_locked
from tests.cluster.image import IMAGE, image_bytes
from tests.cluster.machine import ROOT, kubectl, output
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

STARTS = 3
MOST_CPU_S = 0.5  # a busy machine may take longer, for no fault of ours
# Seconds since this process began, by the kernel's clock: interpreter and imports, to the worker's first instruction.
_START = """
import os, sys, emg_worker.__main__
began = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19]) / os.sysconf('SC_CLK_TCK')
took = float(open('/proc/uptime').read().split()[0]) - began
cpu = sum(os.times()[:2])
print(took, cpu, *sorted({name.partition('.')[0] for name in sys.modules}))
"""
_CONTENT = """
import importlib.metadata, json, os
from pathlib import Path
parts = json.load(open('/app/sbom.cdx.json'))['components']
bill = {part['name'] for part in parts}
installed = {one.name.lower() for one in importlib.metadata.distributions()}
crates = sorted(part['name'] for part in parts if part['purl'].startswith('pkg:cargo/'))
programs = [str(path) for path in (*Path('/bin').iterdir(), *Path('/usr').rglob('*sh'))]
unlisted = sorted(installed - bill)
compiled = [path for root in ('/usr/lib', '/app') for path in Path(root).rglob('*.pyc')]
outdated = [str(path) for path in compiled if path.read_bytes()[4:8] != b'\\1\\0\\0\\0']  # PEP 552: never checked
found = {'unlisted': unlisted, 'outdated': outdated, 'programs': sorted(programs), 'crates': crates}
print(json.dumps(found | {'user': os.getuid()}))
"""


def run_python(source: str) -> str:
    return cluster("exec", "deployment/emg-receiver", "--container=receiver", "--", "python", "-c", source)


def test_a_worker_starts_without_what_only_others_need(deployment: Deployment) -> None:  # noqa: ARG001 - brings it
    starts = [run_python(_START).split() for _ in range(5)]
    took_s, cpu_s = (min(float(start[which]) for start in starts) for which in (0, 1))
    print(f"a worker's first instruction: after {took_s:.2f} s, {cpu_s:.2f} s of CPU; best of 5", file=sys.stderr)
    assert cpu_s < MOST_CPU_S
    unneeded = {"kopf", "starlette", "uvicorn", "kubernetes", "aiohttp", "numpy", "ezc3d", "rich", "cyclopts"}
    assert unneeded & set(starts[0]) == set()


def test_a_workers_pod_comes_to_its_first_step_soon(deployment: Deployment, tmp_path: Path) -> None:
    """From the start of its process, while the runtime still prepares its container, to the first line of its log."""
    data = synthetic_recording(tmp_path).read_bytes()
    with results_locked(deployment):
        took = [first_step_s(deployment, f"STA{number}/take.c3d", data + bytes(number)) for number in range(STARTS)]
    print(f"a worker's first step in its pod: after {min(took):.2f} s, best of {STARTS}", file=sys.stderr)
    wait_until(lambda: reasons("STA") == {"Completed": STARTS}, "all are analysed")


def first_step_s(deployment: Deployment, key: str, data: bytes) -> float:
    """Return the seconds from a worker's start, as the kernel tells, to its first line, as the container's log does."""
    before = set(workers())
    deployment.upload(key, data)
    name = deployment.notify(key).json()["session_code"]
    wait_until(lambda: workers().keys() - before, "the worker runs")
    log = kubectl("--namespace", NAMESPACE, "logs", f"job/{name}-a1", "--timestamps")
    wait_until(lambda: "storing" in output(*log), "it waits to store")
    (started_s,) = (started for process, started in workers().items() if process not in before)
    first = next(line for line in output(*log).splitlines() if " ms: " in line)
    return datetime.fromisoformat(first.split()[0]).timestamp() - started_s


def workers() -> dict[int, float]:
    """Return when each worker's process on this machine began, by the kernel's clock."""
    now_s = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"-m\0emg_worker\0" in (path / "cmdline").read_bytes():
                ticks = int((path / "stat").read_text().rpartition(")")[2].split()[19])
                found[int(path.name)] = now_s + ticks / os.sysconf("SC_CLK_TCK")
    return found


def test_the_image_has_no_shell_and_lists_what_it_has(deployment: Deployment) -> None:  # noqa: ARG001
    content = json.loads(run_python(_CONTENT))
    print(f"the image is {image_bytes(IMAGE) / 1e6:.0f} MB, unpacked", file=sys.stderr)
    locked = {package["name"] for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    crates = set(content.pop("crates"))
    assert {"emg-core", "pyo3", "numpy", "sha2"} <= crates & locked
    assert content == {"unlisted": [], "outdated": [], "programs": ["/bin/python3", "/bin/python3.11"], "user": 65532}
