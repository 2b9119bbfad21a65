"""Every block of the tutorial runs, in order, in one shell."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from shutil import which

from tests.cluster.machine import ROOT
from tests.support.needs import require
from tests.support.postgres import folder_for_servers
from tests.support.s3 import free_port

TUTORIAL = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATIENCE_S = 900


def script(port: int, folder: Path) -> str:
    """Return the tutorial as one script, on a port and in a folder of its own, that leaves nothing running."""
    found = _BLOCK.findall(TUTORIAL.read_text())
    blocks = [text if kind == "sh" else f"python - <<'END'\n{text}END\n" for kind, text in found]
    lines = "\n".join(blocks).replace(":8080", f":{port}").replace("--port 8080", f"--port {port}")
    return "trap 'kill $(jobs -p)' EXIT\n" + lines.replace("first-look", shlex.quote(str(folder / "first-look")))


def test_the_tutorial_runs_as_it_stands() -> None:
    require(which("curl"), "no curl")
    with folder_for_servers() as folder:
        command = ["bash", "-eu", "-o", "pipefail", "-c", script(free_port("127.0.0.1"), folder)]
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        done = subprocess.run(
            command, cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=_PATIENCE_S
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Computed by emg-core" in done.stdout
    assert "Equal: 4 channels" in done.stdout
