"""What a pod knows of the cluster it runs in, without asking it."""

from pathlib import Path

_IN_CLUSTER_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def in_cluster() -> bool:
    """Whether this program runs in a pod with a service account."""
    return _IN_CLUSTER_NAMESPACE.exists()


def own_namespace(default: str = "default") -> str:
    """Return the namespace this pod lives in."""
    return _IN_CLUSTER_NAMESPACE.read_text().strip() if in_cluster() else default
