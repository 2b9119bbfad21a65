"""A real Kubernetes API server with etcd and the Job controller, and no node: up in seconds, without root."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.control_plane import api_server_flags
from tests.cluster.machine import KUBE, ROOT, run, succeeds
from tests.cluster.parts import go_is_here, kubernetes
from tests.cluster.pki import IDENTITIES, kubeconfig, make_pki
from tests.support.audit import Entry, audit_entries
from tests.support.charts import EXISTING, merged, render
from tests.support.needs import require
from tests.support.s3 import free_port
from tests.support.waiting import wait_until

DEFINITION = ROOT / "charts" / "emg-operator" / "files" / "emgsessions.crd.yaml"
_RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_HOST = "127.0.0.1"
_CONTROLLERS = "job-controller,garbage-collector-controller,namespace-controller"


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """A running API server and its files."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"
    etcd: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{_HOST}:{self.port}"

    @property
    def admin(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "pki" / "admin.conf"

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl as the administrator and return what it prints."""
        return run(KUBE, "kubectl", f"--kubeconfig={self.admin}", *arguments, stdin=stdin)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def make_namespace(self, name: str) -> None:
        """Make a namespace with the accounts and rights that the programs have in a cluster."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, *rights_in(name))

    def account(self, namespace: str, name: str = "emg-operator") -> Path:
        """Return the kubeconfig of a service account, proved by a token as in a pod."""
        token = self.kubectl("create", "token", "--namespace", namespace, name).strip()
        path = self.folder / f"{namespace}-{name}.conf"
        path.write_text(json.dumps(kubeconfig(self.folder / "pki", self.url, {"token": token})))
        return path

    def moved(self, account: Path, port: int) -> Path:
        """Return a kubeconfig for the same account by way of another port."""
        path = account.with_name(f"{account.stem}-{port}.conf")
        path.write_text(account.read_text().replace(self.url, f"https://{_HOST}:{port}"))
        return path

    def items(self, kinds: str, namespace: str) -> list[dict[str, Any]]:
        """Return all objects of these kinds in a namespace."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kinds, "-n", namespace, "-o", "json"))["items"]
        return found

    def audited(self, namespace: str, name: str = "emg-operator") -> list[Entry]:
        """Return what a service account asked for, as the API server's own log has it."""
        return audit_entries(self.folder / "audit.json", f"system:serviceaccount:{namespace}:{name}")


def rights_in(namespace: str, **values: Any) -> list[dict[str, Any]]:
    """Return the accounts and rights that the chart makes in a namespace."""
    manifests = render(merged(EXISTING, values), namespace=namespace)
    return [manifest for manifest in manifests if manifest["kind"] in _RIGHTS and not _is_of_test(manifest)]


def _is_of_test(manifest: dict[str, Any]) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})


@contextmanager
def running_api_server(folder: Path, *, job_syncs: int = 5) -> Iterator[ApiServer]:
    """Run an API server with the EMGSession definition while the block runs."""
    require(KUBE.exists() or go_is_here(), "no API server: install Go 1.26, which builds it once")
    kubernetes().build()
    port = free_port(_HOST)
    identities = [identity for identity in IDENTITIES if identity.name in ("apiserver", "admin")]
    make_pki(folder / "pki", server=f"https://{_HOST}:{port}", identities=identities)
    with ExitStack() as stack:
        etcd_url, etcd = _started_etcd(stack, folder)
        process = _started(stack, folder, "kube-apiserver", *_api_server_flags(folder, etcd_url, port))
        server = ApiServer(folder=folder, port=port, process=process, etcd=etcd)
        admin = f"--kubeconfig={server.admin}"
        wait_until(lambda: succeeds(KUBE, "kubectl", admin, "get", "--raw", "/readyz"), "the API server is ready")
        server.kubectl("apply", "-f", DEFINITION)
        server.kubectl("wait", "--for=condition=Established", "--timeout=600s", "-f", DEFINITION)
        _started(stack, folder, "kube-controller-manager", *_controller_flags(folder, job_syncs))
        yield server


def _started_etcd(stack: ExitStack, folder: Path) -> "tuple[str, subprocess.Popen[bytes]]":
    url, peers = (f"http://{_HOST}:{free_port(_HOST)}" for _ in range(2))
    for_clients = (f"--listen-client-urls={url}", f"--advertise-client-urls={url}")
    for_peers = (f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}")
    data = (f"--data-dir={folder}/etcd", f"--initial-cluster=default={peers}", "--unsafe-no-fsync")
    return url, _started(stack, folder, "etcd", *for_clients, *for_peers, *data)


def _api_server_flags(folder: Path, etcd: str, port: int) -> list[str]:
    flags = api_server_flags(folder / "pki", etcd=etcd, address=_HOST, port=port, audit_log=folder / "audit.json")
    # Its pods need no account.
    return [*flags, f"--bind-address={_HOST}", "--disable-admission-plugins=ServiceAccount"]


def _controller_flags(folder: Path, job_syncs: int) -> list[str]:
    unhurried = ("--kube-api-qps=1000", "--kube-api-burst=1000", f"--concurrent-job-syncs={job_syncs}")
    serving = ("--secure-port=0", "--leader-elect=false")
    return [f"--kubeconfig={folder}/pki/admin.conf", f"--controllers={_CONTROLLERS}", *unhurried, *serving]


def _started(stack: ExitStack, folder: Path, program: str, *flags: str) -> "subprocess.Popen[bytes]":
    log = stack.enter_context((folder / f"{program}.log").open("wb"))
    process = subprocess.Popen([KUBE, program, *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(_end, process)
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
