"""What the node is built from: Debian packages, and Go programs that are compiled once and kept."""

import hashlib
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.machine import BIN, output, run, succeeds

KUBE_VERSION = "v1.34.4"
GO_VERSION = (1, 26)
HELM = "helm.sh/helm/v4/cmd/helm@v4.3.1"
S3_SERVER = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
DEBIAN_PACKAGES = (
    "buildah",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "gcc",
    "iproute2",
    "iptables",
    "libc6-dev",
    "mmdebstrap",
    "nftables",
    "openssl",
    "procps",
    "runc",
)
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class GoProgram:
    """A program from Go modules: a module of ours (`folder`), or one as published (`module`)."""

    name: str
    folder: Path | None = None
    module: str = ""
    linker_flags: str = "-s -w"

    def digest(self) -> str:
        """Return what changes whenever the program has to be built anew."""
        sources = sorted(self.folder.iterdir()) if self.folder else []
        parts = [self.module, self.linker_flags, *(source.read_text() for source in sources)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def build(self) -> None:
        """Compile into the bin folder unless this very program is there."""
        stamp = BIN / f".{self.name}.sha256"
        if (BIN / self.name).exists() and stamp.exists() and stamp.read_text() == self.digest():
            return
        sys.stderr.write(f"building {self.name}: a minute, Kubernetes ten, but only once\n")
        BIN.mkdir(parents=True, exist_ok=True)
        if self.folder:
            flags = ("-trimpath", "-ldflags", self.linker_flags)
            run("go", "build", *flags, "-o", BIN / self.name, ".", cwd=self.folder)
        else:
            run("go", "install", self.module, env={"GOBIN": str(BIN)})
        stamp.write_text(self.digest())


def go_programs() -> list[GoProgram]:
    """Return every Go program that the tests use."""
    return [
        kubernetes(),
        GoProgram("coredns", folder=_HERE / "dns"),
        GoProgram("ingress", folder=_HERE / "ingress"),
        GoProgram("policies", folder=_HERE / "policies"),
        helm_program(),
        s3_server(),
    ]


def kubernetes() -> GoProgram:
    """Return all of Kubernetes in one program."""
    return GoProgram("kube", folder=_HERE / "kube", linker_flags=f"-s -w {_kube_version_flags()}")


def helm_program() -> GoProgram:
    """Return Helm, which the chart's suite uses without a node."""
    return GoProgram("helm", module=HELM)


def s3_server() -> GoProgram:
    """Return the S3 server, which the storage suite uses without a node."""
    return GoProgram("versitygw", module=S3_SERVER)


def build_parts() -> None:
    """Install and compile what is missing: about 15 minutes once, a moment after."""
    install_debian_packages()
    for program in go_programs():
        program.build()
    kubectl = BIN / "kubectl"
    kubectl.unlink(missing_ok=True)
    kubectl.symlink_to("kube")


def install_debian_packages() -> None:
    """Install the Debian packages that are missing."""
    missing = [package for package in DEBIAN_PACKAGES if not succeeds("dpkg", "--status", package)]
    if missing:
        quietly = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=quietly)


def _kube_version_flags() -> str:
    """Tell Kubernetes its version, which it otherwise takes from its own build scripts."""
    facts = {"Version": KUBE_VERSION, "Major": "1", "Minor": KUBE_VERSION.split(".")[1]}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.git{name}={value}" for package in packages for name, value in facts.items())


def go_is_here() -> bool:
    """Whether a Go toolchain is on the PATH that is new enough for what is built."""
    return shutil.which("go") is not None and is_new_enough(output("go", "env", "GOVERSION"))


def is_new_enough(version: str) -> bool:
    """Whether Go calls itself go1.26 or later."""
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) >= GO_VERSION


def debian_is_here() -> bool:
    """Whether packages can be installed as Debian does."""
    return shutil.which("apt-get") is not None
