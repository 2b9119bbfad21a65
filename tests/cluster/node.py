"""A real Kubernetes node for tests, on one Linux machine, as root, without Docker.

    python3 -m tests.cluster.node build            install and compile its parts (about 15 minutes once)
    python3 -m tests.cluster.node up               start the node; prints the kubeconfig's path once it is Ready
    python3 -m tests.cluster.node exec COMMAND...  run a command in the node's network, with KUBECONFIG set
    python3 -m tests.cluster.node image [NAME]     build the images (needs dist/*.whl: make image)
    python3 -m tests.cluster.node reproduce NAME   build base and images a second time from nothing, and compare them
    python3 -m tests.cluster.node load ARCHIVE     let pods use the image in an archive
    python3 -m tests.cluster.node down             stop everything and remove its state

Control plane, kubelet and DNS are plain processes in a network namespace of their own; pods run in containerd and
runc on a bridge. Everything comes from the Go module proxy and from Debian. EMG_CLUSTER_CACHE says where it is kept
(default ~/.cache/emg-cluster).
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.cluster.control_plane import start_control_plane, start_dns
from tests.cluster.image import build_images, differing_images
from tests.cluster.machine import (
    BIN,
    KUBECONFIG,
    LOGS,
    NETWORK_NAMESPACE,
    NODE_IP,
    STATE,
    inside,
    kubectl,
    node_lock,
    output,
    run,
    succeeds,
)
from tests.cluster.parts import build_parts, install_debian_packages
from tests.cluster.pki import make_pki
from tests.cluster.pods import ctr, start_pods, wait_until_ready

_SECONDS_FOR_PODS = 15.0
_SECONDS_TO_STOP = 2.0


def up() -> Path:
    """Start the node and return its kubeconfig; a node that is up already is replaced."""
    down()
    for folder in (LOGS, STATE / "cni"):
        folder.mkdir(parents=True)
    make_pki(STATE / "pki")
    _make_network()
    start_control_plane()
    start_pods()
    start_dns()
    wait_until_ready()
    return KUBECONFIG


def load(archive: Path) -> None:
    """Let pods use the image in an archive."""
    run(*ctr("images", "import", archive))


def down() -> None:
    """Stop the node and all that runs in its network, and remove its state; images and parts are kept."""
    stop_pods()
    _stop_processes()
    _unmount()
    _delete_empty_pod_networks()
    succeeds("ip", "netns", "delete", NETWORK_NAMESPACE)
    shutil.rmtree(STATE, ignore_errors=True)


def reproduce(name: str) -> None:
    """Build the images a second time; end with the names of those that are not the same."""
    if differing := differing_images(name):
        sys.exit(f"not the same when built again: {', '.join(differing)}")


def execute(command: list[str]) -> None:
    """Become a command inside the node's network."""
    os.environ |= {"KUBECONFIG": str(KUBECONFIG), "PATH": f"{BIN}:{os.environ['PATH']}"}
    os.execvp("nsenter", inside(*command))


def _make_network() -> None:
    run("ip", "netns", "add", NETWORK_NAMESPACE)
    run(*inside("ip", "link", "set", "lo", "up"))
    run(*inside("ip", "link", "add", "node0", "type", "bridge"))
    run(*inside("ip", "address", "add", f"{NODE_IP}/24", "dev", "node0"))
    run(*inside("ip", "link", "set", "node0", "up"))
    run(*inside("ip", "route", "add", "default", "via", NODE_IP))
    run(*inside("sysctl", "-qw", "net.ipv4.ip_forward=1"))


def stop_pods() -> None:
    """Delete them and what would make new ones: only the kubelet undoes their networks and mounts."""
    at_once = ("--all", "--all-namespaces", "--force", "--grace-period=0", "--wait=false")
    deadline = time.monotonic() + _SECONDS_FOR_PODS
    while KUBECONFIG.exists() and output(*ctr("tasks", "ls", "-q")) and time.monotonic() < deadline:
        succeeds(*kubectl("delete", "deployments,daemonsets,statefulsets,replicasets,cronjobs,jobs,pods", *at_once))
        time.sleep(0.2)


def _stop_processes() -> None:
    """Ask all to stop, then insist, also with what was started meanwhile."""
    _send(signal.SIGTERM, _node_processes())
    deadline = time.monotonic() + _SECONDS_TO_STOP
    while (members := _node_processes()) and time.monotonic() < deadline:
        time.sleep(0.05)
    while members:
        _send(signal.SIGKILL, members)
        members = _node_processes()


def _send(number: signal.Signals, pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _node_processes() -> set[int]:
    """Return what runs in the node's network and, as pods have their own, what runs below that."""
    return _family(_processes_in(NETWORK_NAMESPACE))


def _processes_in(namespace: str) -> set[int]:
    return {int(pid) for pid in output("ip", "netns", "pids", namespace).split()}


def _family(pids: set[int]) -> set[int]:
    """Return these processes and all below them."""
    children: set[int] = set()
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                children |= {int(child) for child in (task / "children").read_text().split()}
    return pids | children if children <= pids else _family(pids | children)


def _unmount() -> None:
    targets = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for target in sorted((t for t in targets if t.startswith(f"{STATE}/")), reverse=True):
        succeeds("umount", "--lazy", target)


def _delete_empty_pod_networks() -> None:
    for line in output("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith("cni-") and not _processes_in(name):
            succeeds("ip", "netns", "delete", name)


def main(arguments: list[str]) -> None:
    """Run from the command line."""
    match arguments:
        case ["build"]:
            build_parts()
        case ["up"]:
            with node_lock():
                sys.stdout.write(f"{up()}\n")
        case ["exec", *command] if command:
            execute(command)
        case ["image", *name]:
            install_debian_packages()
            sys.stdout.writelines(f"{archive}\n" for archive in build_images(*name))
        case ["reproduce", name]:
            reproduce(name)
        case ["load", archive]:
            load(Path(archive))
        case ["down"]:
            with node_lock():
                down()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
