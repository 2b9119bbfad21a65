"""What the cluster suite relies on that needs no cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.machine import ROOT, node_lock
from tests.cluster.parts import is_new_enough

_HOLDER = """
import sys
from pathlib import Path
from tests.cluster.machine import node_lock
with node_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nobody_holds_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster suite may, in the same run."""
    monkeypatch.delenv("EMG_NODE_LOCK_HELD", raising=False)


def test_two_users_of_the_node_take_turns(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, **pipes) as first:
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen(command, text=True, cwd=ROOT, **pipes) as second:
            assert second.stderr.readline().startswith("waiting for the node's other user")
            first.communicate()
            assert second.communicate()[0] == "held\n"


def test_what_a_user_of_the_node_starts_need_not_wait_for_it(tmp_path: Path) -> None:
    with node_lock(tmp_path / "lock"):
        inner = [sys.executable, "-c", _HOLDER, str(tmp_path / "lock")]
        done = subprocess.run(inner, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == ("held\n", "")


@pytest.mark.parametrize(
    ("version", "enough"),
    [("go1.26.8", True), ("go1.27rc1", True), ("go1.9.7", False), ("go1.25.1", False), ("", False)],
)
def test_gos_version_is_compared_as_numbers(version: str, enough: object) -> None:
    assert is_new_enough(version) is enough
