"""An ingress controller beside the node: it serves what Ingress objects say, by TLS with the certificates they name."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.cluster.machine import BIN, KUBE, KUBECONFIG, NODE_IP, node_network, running, wait_for

_API_PORT, _PORT = 8001, 443


@contextmanager
def serving_ingresses() -> Iterator[None]:
    """Serve them on the node's address while the block runs."""
    proxy = (KUBE, "kubectl", f"--kubeconfig={KUBECONFIG}", "proxy", f"--port={_API_PORT}")
    controller = (BIN / "ingress", f"http://127.0.0.1:{_API_PORT}", f"{NODE_IP}:{_PORT}")
    with running("kubectl-proxy", *proxy):
        wait_for("kubectl-proxy", lambda: _listening("127.0.0.1", _API_PORT))
        with running("ingress", *controller):
            wait_for("ingress", lambda: _listening(NODE_IP, _PORT))
            yield


def _listening(host: str, port: int) -> bool:
    with node_network(), suppress(OSError):
        socket.create_connection((host, port), timeout=1).close()
        return True
    return False
