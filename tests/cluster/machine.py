"""Where the node lives on this machine, and how to run something on it."""

import ctypes
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("EMG_CLUSTER_CACHE") or Path.home() / ".cache" / "emg-cluster")
BIN = CACHE / "bin"
STATE = CACHE / "state"
LOGS = STATE / "log"
KUBE = BIN / "kube"
KUBECONFIG = STATE / "pki" / "admin.conf"

NETWORK_NAMESPACE = "emg-node"
NODE_NAME = "node0"
NODE_IP = "10.89.0.1"
_CLONE_NEWNET = 0x40000000
# The node's network has one name on a machine, whichever checkout starts it.
LOCK = Path("/run/lock/emg-node")
_HELD = "EMG_NODE_LOCK_HELD"

Argument = str | Path


def run(*command: Argument, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: str = "") -> str:
    """Run a command to its end and return what it prints; where it fails, show what it said and raise."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        done.check_returncode()
    return done.stdout


def succeeds(*command: Argument) -> bool:
    """Whether a command ends well."""
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0


def output(*command: Argument) -> str:
    """Return what a command prints, stripped, whether it ends well or not."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def node_lock(path: Path = LOCK) -> Iterator[None]:
    """Have the machine's only node to ourselves, and the programs we start with us; wait for whoever has it."""
    if os.environ.get(_HELD):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"waiting for the node's other user (the lock is {path})\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.environ[_HELD] = "1"
        try:
            yield
        finally:
            del os.environ[_HELD]


def inside(*command: Argument) -> list[str]:
    """Enter only the network namespace: `ip netns exec` would hide the cgroup mounts under /sys."""
    return ["nsenter", f"--net=/run/netns/{NETWORK_NAMESPACE}", *map(str, command)]


def kubectl(*arguments: Argument) -> list[str]:
    """Return the command line of kubectl as the node's administrator."""
    return inside(KUBE, "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments)


def start(name: str, *command: Argument) -> None:
    """Start a program of the node in the background; `node.py down` ends it."""
    with (LOGS / f"{name}.log").open("wb") as log:
        subprocess.Popen(inside(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


@contextmanager
def running(name: str, *command: Argument) -> Iterator[None]:
    """Have a program of the node run while the block does."""
    with (
        (LOGS / f"{name}.log").open("wb") as log,
        subprocess.Popen(inside(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def wait_for(program: str, ready: Callable[[], bool], seconds: float = 300) -> None:
    """Wait until a program we started is ready; where it is not in time, end with what it logged last."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            last_words = (LOGS / f"{program}.log").read_text(errors="replace")[-4000:]
            sys.exit(f"{program} is not ready after {seconds:.0f} s; its log ends:\n{last_words}")
        time.sleep(0.1)


@contextmanager
def node_network() -> Iterator[None]:
    """Have this thread, and programs it starts, open their sockets in the node's network while the block runs.

    A library with threads of its own must not be used for the first time in here: its threads would stay.
    """
    with Path("/proc/thread-self/ns/net").open() as here, Path("/run/netns", NETWORK_NAMESPACE).open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(here.fileno())


@contextmanager
def started_inside(part: AbstractContextManager[T]) -> Iterator[T]:
    """Start a part in the node's network; use and stop it from ours."""
    with ExitStack() as stack:
        with node_network():
            started = stack.enter_context(part)
        yield started


def _enter(network: int) -> None:
    """Python has os.setns from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
