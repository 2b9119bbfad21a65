"""The machine's side of the node: containerd, the pods' network and the kubelet."""

import json

from tests.cluster.control_plane import DNS_IP, POD_ADDRESSES
from tests.cluster.image import PAUSE, build_pause
from tests.cluster.machine import (
    CACHE,
    KUBE,
    NODE_IP,
    NODE_NAME,
    STATE,
    Argument,
    kubectl,
    output,
    run,
    start,
    succeeds,
    wait_for,
)

_READY = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'


def start_pods() -> None:
    """Start what runs pods."""
    (STATE / "cni" / "10-pods.conflist").write_text(json.dumps(_pod_network()))
    (STATE / "containerd.toml").write_text(_containerd_settings())
    (STATE / "kubelet.yaml").write_text(json.dumps(_kubelet_settings()))
    start("containerd", "containerd", "-c", STATE / "containerd.toml")
    wait_for("containerd", lambda: succeeds(*ctr("version")))
    if not has_image(PAUSE):
        run(*ctr("images", "import", build_pause()))
    # containerd answers a moment before its Kubernetes side does; the kubelet ends then, and is started again.
    start("kubelet", "sh", "-c", 'until "$@"; do sleep 0.2; done', "sh", KUBE, "kubelet", *_kubelet_flags())


def wait_until_ready() -> None:
    """Wait until the node takes pods."""
    wait_for("kubelet", lambda: output(*kubectl("get", "node", NODE_NAME, "-o", _READY)) == "True")


def ctr(*arguments: Argument) -> list[str]:
    """Return the command line of containerd's client for the images and containers of Kubernetes."""
    return ["ctr", "-a", f"{STATE}/containerd.sock", "-n", "k8s.io", *map(str, arguments)]


def has_image(name: str) -> bool:
    """Whether pods can use this image."""
    return name in output(*ctr("images", "ls", "-q")).splitlines()


def _pod_network() -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{STATE}/cni-ipam",
        "ranges": [[{"subnet": POD_ADDRESSES}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "pods0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def _containerd_settings() -> str:
    return f"""version = 2
root = "{CACHE}/containerd"
state = "{STATE}/containerd"
[grpc]
  address = "{STATE}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/cni"
"""


def _kubelet_settings() -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{STATE}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{STATE}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{STATE}/pki/kubelet.crt",
        "tlsPrivateKeyFile": f"{STATE}/pki/kubelet.key",
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS_IP],
        "resolvConf": "",
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 99,
        "maxPods": 250,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
    }


def _kubelet_flags() -> list[str]:
    return [
        f"--config={STATE}/kubelet.yaml",
        f"--kubeconfig={STATE}/pki/kubelet.conf",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_IP}",
        f"--root-dir={STATE}/kubelet",
        f"--cert-dir={STATE}/kubelet-pki",
    ]
