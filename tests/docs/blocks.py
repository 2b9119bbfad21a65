"""Blocks of a page, as one script that a shell runs in order."""

import os
import re
import subprocess
from pathlib import Path

_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATIENCE_S = 900


def script(page: Path, ports: dict[int, int]) -> str:
    """Return a page's blocks on ports of its own, as one script that leaves nothing running."""
    found = _BLOCK.findall(page.read_text())
    lines = "\n".join(text if kind == "sh" else f"python - <<'END'\n{text}END\n" for kind, text in found)
    for port, other in ports.items():
        lines = lines.replace(f":{port}", f":{other}").replace(f"--port {port}", f"--port {other}")
    return "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + lines


def run(lines: str, folder: Path, home: Path, **env: str) -> str:
    """Return what a script said; raises AssertionError with all of it where a line failed."""
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", lines],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home)} | env,
        check=False,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
