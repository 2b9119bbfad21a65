"""Who of several replicas acts: whoever holds a Lease of coordination.k8s.io, as Kubernetes' own controllers do.

Nothing breaks where two act at once, names being deterministic and status writes conditional; the lease saves the work.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from kubernetes.aio import client

from emg_session.errors import ClusterUnavailable, TransientFailure
from emg_session.sessions import cluster_errors

log = logging.getLogger(__name__)

LEASE_NAME = "emg-operator"
_API = ("coordination.k8s.io", "v1")
_PLURAL = "leases"
_NOT_FOUND = 404


class LeaseLost(TransientFailure):
    """Another replica acts now, or may soon: end at once, the next start waits for its turn."""


@dataclass(frozen=True, kw_only=True)
class LeaseTiming:
    """When a holder is gone, and when it knows by itself.

    One that ends without a word is followed after `duration_s` and twice `retry_s`: its last renewal may be seen one
    step late, and its expiry another. One that can't renew has given up before that.
    """

    duration_s: int = 12
    renew_within_s: float = 7.0
    retry_s: float = 2.0

    @property
    def answer_within_s(self) -> float:
        """How long the API server may take."""
        return self.renew_within_s / 3

    @property
    def most_s_to_follow(self) -> float:
        """How long nobody acts at most, where the API server answers at once."""
        return self.duration_s + 2 * self.retry_s

    @property
    def most_s_to_give_up(self) -> float:
        """How long after its last renewal a holder may still act."""
        return self.renew_within_s + self.retry_s + self.answer_within_s


@dataclass(kw_only=True)
class Lease:
    """One replica's part in the election. Expiry is told by our own clock alone, from when a version was first seen."""

    api: client.CustomObjectsApi
    namespace: str
    holder: str
    timing: LeaseTiming = LeaseTiming()
    clock: Callable[[], float] = time.monotonic
    # Told the lease's annotations whenever it is read: how people reach whoever acts.
    annotated: Callable[[Mapping[str, str]], None] = lambda _: None
    held: bool = field(default=False, init=False)
    _tried_at: float = field(init=False)
    _seen: tuple[str, float] = field(default=("", 0.0), init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._tried_at = self.clock()

    async def acquire(self) -> None:
        """Return once the lease is ours."""
        log.info("lease=%s holder=%s waits for its turn", LEASE_NAME, self.holder)
        while True:
            if await self._try():
                break
            await asyncio.sleep(self.timing.retry_s)
        self.held = True
        log.info("lease=%s holder=%s acts", LEASE_NAME, self.holder)

    async def keep(self) -> None:
        """Renew the lease until cancelled; raises LeaseLost once that has not worked for too long."""
        renewed_at = self.clock()
        while self.clock() - renewed_at < self.timing.renew_within_s:
            await asyncio.sleep(self.timing.retry_s)
            started_at = self.clock()
            if await self._try():
                renewed_at = started_at
        self.held = False
        raise LeaseLost(f"the lease {LEASE_NAME} could not be renewed for {self.timing.renew_within_s:g} s")

    async def release(self) -> None:
        """Let another replica follow at once; where that fails, it waits until the lease has expired."""
        if not self.held:
            return
        self.held = False
        with suppress(ClusterUnavailable, TimeoutError), cluster_errors():
            async with asyncio.timeout(self.timing.answer_within_s):
                lease = await self._read()
                if lease is not None and lease["spec"].get("holderIdentity") == self.holder:
                    lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._replace(lease)

    def silent_s(self) -> float:
        """Return how long ago the lease was last asked for, whatever the answer."""
        return self.clock() - self._tried_at

    async def _try(self) -> bool:
        """Take or renew the lease; False where it is another's, another was faster, or nobody answers in time."""
        self._tried_at = self.clock()
        try:
            with cluster_errors():
                async with asyncio.timeout(self.timing.answer_within_s):
                    lease = await self._read()
                    if lease is None:
                        await self._create()
                    elif self._is_free(lease):
                        self.annotated(lease["metadata"].get("annotations") or {})
                        await self._replace(self._taken(lease))
                    else:
                        return False
        except ClusterUnavailable as failure:
            log.warning("lease=%s not %s: %s", LEASE_NAME, "renewed" if self.held else "taken", failure)
            return False
        return True

    def _is_free(self, lease: dict[str, Any]) -> bool:
        version, spec = lease["metadata"]["resourceVersion"], lease["spec"]
        if version != self._seen[0]:
            self._seen = (version, self.clock())
        expired = self.clock() - self._seen[1] > spec.get("leaseDurationSeconds", self.timing.duration_s)
        return not spec.get("holderIdentity") or spec["holderIdentity"] == self.holder or expired

    def _taken(self, lease: dict[str, Any]) -> dict[str, Any]:
        spec = lease["spec"]
        ours = {"holderIdentity": self.holder, "leaseDurationSeconds": self.timing.duration_s, "renewTime": _now()}
        if spec.get("holderIdentity") != self.holder:
            ours |= {"acquireTime": ours["renewTime"], "leaseTransitions": spec.get("leaseTransitions", 0) + 1}
        return lease | {"spec": spec | ours}

    async def _read(self) -> dict[str, Any] | None:
        try:
            found = await self.api.get_namespaced_custom_object(*_API, self.namespace, _PLURAL, LEASE_NAME)
        except client.ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return None
        return cast(dict[str, Any], found)

    async def _create(self) -> None:
        manifest = {
            "apiVersion": "/".join(_API),
            "kind": "Lease",
            "metadata": {"name": LEASE_NAME, "namespace": self.namespace},
        }
        body = self._taken(manifest | {"spec": {}})
        await self.api.create_namespaced_custom_object(*_API, self.namespace, _PLURAL, body)

    async def _replace(self, lease: dict[str, Any]) -> None:
        """Write over the version that was read, and no other: of two who try, one is refused."""
        await self.api.replace_namespaced_custom_object(*_API, self.namespace, _PLURAL, LEASE_NAME, lease)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
