"""The image on the node: nothing in it but what runs, and a worker that starts at once."""

import json
import sys

from tests.cluster.deployment import Deployment, cluster, require_node
from tests.cluster.image import IMAGE, image_bytes

require_node()

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
bill = {part['name'] for part in json.load(open('/app/sbom.cdx.json'))['components']}
installed = {one.name.lower() for one in importlib.metadata.distributions()}
programs = [str(path) for path in (*Path('/bin').iterdir(), *Path('/usr').rglob('*sh'))]
print(json.dumps({'unlisted': sorted(installed - bill), 'programs': sorted(programs), 'user': os.getuid()}))
"""


def run_python(source: str) -> str:
    return cluster("exec", "deployment/emg-receiver", "--container=receiver", "--", "python", "-c", source)


def test_a_worker_starts_without_what_only_others_need(deployment: Deployment) -> None:  # noqa: ARG001 - brings it
    starts = [run_python(_START).split() for _ in range(5)]
    took_s, cpu_s = (min(float(start[which]) for start in starts) for which in (0, 1))
    print(f"a worker's first instruction: after {took_s:.2f} s, {cpu_s:.2f} s of CPU; best of 5", file=sys.stderr)
    unneeded = {"kopf", "starlette", "uvicorn", "kubernetes", "aiohttp", "numpy", "ezc3d", "rich", "cyclopts"}
    assert unneeded & set(starts[0]) == set()


def test_the_image_has_no_shell_and_lists_what_it_has(deployment: Deployment) -> None:  # noqa: ARG001
    content = json.loads(run_python(_CONTENT))
    print(f"the image is {image_bytes(IMAGE) / 1e6:.0f} MB, unpacked", file=sys.stderr)
    assert content == {"unlisted": [], "programs": ["/bin/python3", "/bin/python3.11"], "user": 65532}
