"""The cluster's side of the node: etcd, API server, controllers, scheduler, service proxy and DNS."""

import json
from pathlib import Path

from tests.cluster.machine import (
    BIN,
    KUBE,
    KUBECONFIG,
    LOGS,
    NODE_IP,
    NODE_NAME,
    STATE,
    kubectl,
    run,
    start,
    succeeds,
    wait_for,
)

POD_ADDRESSES, SERVICE_ADDRESSES, DNS_IP = "10.244.0.0/24", "10.96.0.0/16", "10.96.0.10"
AUDIT_LOG = LOGS / "audit.json"
_PKI = STATE / "pki"
_ETCD = "http://127.0.0.1:2379"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}],
}


def start_control_plane() -> None:
    """Start what keeps and acts on the cluster's objects; the API answers when this returns."""
    start("etcd", KUBE, "etcd", *_etcd_flags())
    start("apiserver", KUBE, "kube-apiserver", *_api_server_flags())
    wait_for("apiserver", lambda: succeeds(*kubectl("get", "--raw", "/readyz")))
    start("controller-manager", KUBE, "kube-controller-manager", *_controller_manager_flags())
    start("scheduler", KUBE, "kube-scheduler", f"--kubeconfig={_PKI}/scheduler.conf", "--leader-elect=false")
    start("proxy", KUBE, "kube-proxy", *_proxy_flags())


def start_dns() -> None:
    """Start CoreDNS on the node's address, behind the cluster's DNS address (a Service with manual endpoints)."""
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": _dns_objects()})
    run(*kubectl("apply", "-f", "-"), stdin=manifest)
    corefile = STATE / "Corefile"
    corefile.write_text(
        f".:53 {{\n  bind {NODE_IP}\n  errors\n  cache 5\n"
        f"  kubernetes cluster.local in-addr.arpa {{\n    kubeconfig {KUBECONFIG}\n  }}\n}}\n"
    )
    start("coredns", BIN / "coredns", "-conf", corefile)


def _etcd_flags() -> list[str]:
    client_urls = [f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}"]
    return [f"--data-dir={STATE}/etcd", *client_urls, "--unsafe-no-fsync"]


def api_server_flags(pki: Path, *, etcd: str, address: str, port: int, audit_log: Path) -> list[str]:
    """Return what every API server of the tests is started with; what service accounts of ours ask is in its log."""
    policy = audit_log.with_suffix(".policy")
    policy.write_text(json.dumps(_AUDIT_POLICY))
    return [
        f"--etcd-servers={etcd}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--authorization-mode=Node,RBAC",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={audit_log}",
    ]


def _api_server_flags() -> list[str]:
    return [
        *api_server_flags(_PKI, etcd=_ETCD, address=NODE_IP, port=6443, audit_log=AUDIT_LOG),
        "--bind-address=0.0.0.0",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-client-certificate={_PKI}/admin.crt",
        f"--kubelet-client-key={_PKI}/admin.key",
        f"--kubelet-certificate-authority={_PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _controller_manager_flags() -> list[str]:
    return [
        f"--kubeconfig={_PKI}/controller-manager.conf",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={_PKI}/sa.key",
        f"--root-ca-file={_PKI}/ca.crt",
        "--leader-elect=false",
        f"--cluster-signing-cert-file={_PKI}/ca.crt",
        f"--cluster-signing-key-file={_PKI}/ca.key",
    ]


def _proxy_flags() -> list[str]:
    return [
        f"--kubeconfig={_PKI}/proxy.conf",
        "--proxy-mode=nftables",
        f"--cluster-cidr={POD_ADDRESSES}",
        f"--hostname-override={NODE_NAME}",
        # Connection tracking limits belong to the machine: leave them as they are.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]


def _dns_objects() -> list[dict[str, object]]:
    service: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {
            "clusterIP": DNS_IP,
            "ports": [{"name": n, "port": 53, "targetPort": 53, "protocol": n.upper()} for n in ("udp", "tcp")],
        },
    }
    endpoints: dict[str, object] = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "name": "kube-dns-node",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
        "ports": [{"name": n, "port": 53, "protocol": n.upper()} for n in ("udp", "tcp")],
    }
    return [service, endpoints]
