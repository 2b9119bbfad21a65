"""Every block of the how-to pages runs, and every block of the README that is for a running system."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from tests.cluster.machine import ROOT
from tests.docs.blocks import run, script
from tests.support.needs import require
from tests.support.postgres import folder_for_servers
from tests.support.s3 import free_port

PROGRAMS = Path(sys.executable).parent
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
README = (ROOT / "README.md").read_text()
SAYS = {
    "a-folder-for-a-paper": "to be added by you: electrodes",
    "a-session-failed": "BadRecording: the recording is too short: 30 samples",
    "another-sender": '"created": false',
    "erase-a-subject": "Ignored: the recording was erased",
    "into-pandas-or-r": "standard-1",
    "other-thresholds": "after.json",
}


@dataclass(frozen=True)
class Running:
    """`emg run --demo`'s neighbour: a system that serves `emg-data` in a folder."""

    folder: Path
    port: int

    def said(self, lines: str) -> str:
        return run(lines, self.folder, self.folder, PATH=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    require(which("curl"), "no curl")
    port = free_port("127.0.0.1")
    with folder_for_servers() as folder:
        command = [PROGRAMS / "emg", "run", "--port", str(port), "--data", "emg-data"]
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as program:
            try:
                assert program.stdout is not None
                assert any(line.startswith("channels ") for line in program.stdout), "emg run ended"
                yield Running(folder, port)
            finally:
                program.terminate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_as_it_stands(running: Running, page: Path) -> None:
    assert SAYS[page.stem] in running.said(script(page, {8080: running.port, 8081: free_port("127.0.0.1")}))


def test_the_readmes_commands_run_as_they_stand(running: Running) -> None:
    (session,) = json.loads(running.said(f'curl -fsS "http://127.0.0.1:{running.port}/sessions?limit=1"'))["sessions"]
    variables = f"export API=http://127.0.0.1:{running.port} SESSION={session['session_code']}\n"
    calls = [line.strip() for line in README.splitlines() if line.startswith("    curl ")]
    assert len(calls) > 4
    for call in calls:
        answer = running.said(variables + call.replace("curl ", "curl -fsS --output answer ", 1) + "\nwc -c < answer")
        assert int(answer) > 0, call


def test_the_readmes_python_runs_as_it_stands(running: Running) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert running.said(f"emg synth mine.c3d --seconds 20\npython - <<'END'\n{block}END\n") == ""


def test_the_readmes_commands_are_commands(running: Running) -> None:
    named = set(re.findall(r"^    (?:\.venv/bin/)?(emg|kubectl emg) (\w+)", README, re.MULTILINE))
    assert len(named) > 12
    for program, command in sorted(named):
        assert "Example:" in running.said(f"{program.replace(' ', '-')} {command} --help")
