"""Certificates and kubeconfigs of the node, made anew for every start."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.machine import NODE_IP, NODE_NAME, run

_VALID = ("-days", "7")
_API_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_API_SERVER_ADDRESSES = ("127.0.0.1", "10.96.0.1", NODE_IP)


@dataclass(frozen=True)
class Identity:
    """Somebody who holds a certificate."""

    name: str
    subject: str
    usage: str = "clientAuth"
    names: tuple[str, ...] = ()

    def extensions(self) -> str:
        """Return openssl's extension file."""
        names = f"subjectAltName={','.join(self.names)}\n" if self.names else ""
        return f"extendedKeyUsage={self.usage}\n{names}"


IDENTITIES = (
    Identity(
        "apiserver",
        "/CN=kube-apiserver",
        usage="serverAuth",
        names=(*(f"DNS:{n}" for n in _API_SERVER_NAMES), *(f"IP:{a}" for a in _API_SERVER_ADDRESSES)),
    ),
    Identity("admin", "/O=system:masters/CN=admin"),
    Identity("controller-manager", "/CN=system:kube-controller-manager"),
    Identity("scheduler", "/CN=system:kube-scheduler"),
    Identity("proxy", "/CN=system:kube-proxy"),
    Identity(
        "kubelet",
        f"/O=system:nodes/CN=system:node:{NODE_NAME}",
        usage="clientAuth,serverAuth",
        names=(f"DNS:{NODE_NAME}", f"IP:{NODE_IP}"),
    ),
)


def make_pki(
    folder: Path, *, server: str = f"https://{NODE_IP}:6443", identities: Collection[Identity] = IDENTITIES
) -> None:
    """Make the authority, the key for service-account tokens, and everybody's certificate and kubeconfig."""
    folder.mkdir(parents=True)
    _make_authority(folder)
    for identity in identities:
        make_certificate(folder, identity)
        user = {"client-certificate": f"{folder}/{identity.name}.crt", "client-key": f"{folder}/{identity.name}.key"}
        (folder / f"{identity.name}.conf").write_text(json.dumps(kubeconfig(folder, server, user)))


def _make_authority(folder: Path) -> None:
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    new_key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt")
    run("openssl", "req", "-x509", *new_key, "-subj", "/CN=emg-test-ca", *_VALID, "-addext", usage, cwd=folder)
    run("openssl", "genrsa", "-out", "sa.key", "2048", cwd=folder)
    run("openssl", "rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub", cwd=folder)


def make_certificate(folder: Path, identity: Identity) -> None:
    """Have the authority in a folder sign a certificate for somebody, with a new key beside it."""
    key, request, certificate, extensions = (f"{identity.name}.{end}" for end in ("key", "csr", "crt", "ext"))
    (folder / extensions).write_text(identity.extensions())
    new_key = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request)
    signed_by = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
    run("openssl", "req", *new_key, "-subj", identity.subject, cwd=folder)
    files = ("-in", request, "-out", certificate, "-extfile", extensions)
    run("openssl", "x509", "-req", *files, *signed_by, *_VALID, cwd=folder)


def kubeconfig(folder: Path, server: str, user: dict[str, str]) -> dict[str, object]:
    """Build the kubeconfig of somebody who proves to be who they are as `user` says."""
    cluster = {"server": server, "certificate-authority": f"{folder}/ca.crt"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "emg",
        "clusters": [{"name": "emg", "cluster": cluster}],
        "users": [{"name": "emg", "user": user}],
        "contexts": [{"name": "emg", "context": {"cluster": "emg", "user": "emg"}}],
    }
