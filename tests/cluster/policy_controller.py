"""Enforces the cluster's network policies on the node: kube-network-policies, by packets that wait in a queue.

Its own rules need a part of nftables that some kernels lack; netfilter's older NFQUEUE target fills the same queue. The
first packet of every connection from or to a pod is asked about, those of the node's own programs let through.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.control_plane import POD_ADDRESSES
from tests.cluster.machine import BIN, KUBECONFIG, NODE_NAME, inside, run, running, wait_for

_QUEUE = 100
_NEW = ("-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", str(_QUEUE))
_OF_THE_NODE = ("-m", "owner", "--uid-owner", "0", "-j", "ACCEPT")
_RULES = (
    ("POSTROUTING", *_OF_THE_NODE),
    ("POSTROUTING", "-s", POD_ADDRESSES, *_NEW),
    ("POSTROUTING", "-d", POD_ADDRESSES, *_NEW),
    ("INPUT", "-s", POD_ADDRESSES, *_NEW),
)


@contextmanager
def enforcing_policies() -> Iterator[None]:
    """Enforce them while the block runs; what connects meanwhile and is not allowed to gets no answer."""
    with running("policies", BIN / "policies", KUBECONFIG, NODE_NAME, str(_QUEUE)):
        wait_for("policies", _somebody_decides)
        for rule in _RULES:
            run(*_netfilter("-A", *rule))
        try:
            yield
        finally:
            for rule in _RULES:
                run(*_netfilter("-D", *rule))


def _netfilter(*arguments: str) -> list[str]:
    return inside("iptables", "-t", "mangle", *arguments)


def _somebody_decides() -> bool:
    """Whether a program has bound the queue, as /proc of the node's network tells."""
    bound = run(*inside("cat", "/proc/net/netfilter/nfnetlink_queue"))
    return any(line.split()[0] == str(_QUEUE) for line in bound.splitlines())
