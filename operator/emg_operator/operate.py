"""The operator put together: it stands by until the lease is its own, then watches, works and sweeps."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import aiohttp
import kopf
from kubernetes.aio import client

from emg_operator.cluster import KubernetesCluster
from emg_operator.definition import check_definition, check_listed
from emg_operator.erasing import Erasing
from emg_operator.handlers import WATCHED, kopf_settings, watch
from emg_operator.lease import Lease, LeaseLost
from emg_operator.metrics import Metrics
from emg_operator.probes import Probes, Remembered, served
from emg_operator.reconcile import Reconciler
from emg_operator.settings import OperatorSettings
from emg_operator.stateless import NoMemories
from emg_operator.sweep import Sweep, SweepRequest, SweepSettings
from emg_operator.traffic import MOST_SILENT_S, WatchStreams, writes_counted
from emg_session.database import SummaryStore
from emg_session.erasure import Erasures
from emg_session.errors import DatabaseUnavailable
from emg_session.pod import in_cluster
from emg_session.pool import open_database
from emg_session.recordings import RecordingStore
from emg_session.sessions import KubernetesSessions, connected_cluster

log = logging.getLogger(__name__)

_DATABASE_GOOD_FOR_S, _DEFINITION_GOOD_FOR_S = 5.0, 30.0


async def operate(settings: OperatorSettings, database_url: str) -> None:
    """Run until told to stop; raises a Failure where the program can't work as it is."""
    stop = _stopper()
    _on_signals(stop)
    metrics, request = Metrics(), SweepRequest()
    # The lease has a connection of its own: where the network swallowed those of the others, it needs one new one only.
    writes = writes_counted(metrics)
    async with (
        connected_cluster(writes) as api,
        connected_cluster(writes) as lease_api,
        open_database(database_url) as database,
    ):
        program = Program(
            settings=settings,
            api=api,
            summaries=SummaryStore(database),
            erasures=Erasures(database),
            metrics=metrics,
            lease=Lease(api=lease_api, namespace=settings.namespace, holder=settings.holder, annotated=request.see),
            sweep_request=request,
            streams=WatchStreams(WATCHED),
            stop=stop,
        )
        async with served(program.probes().app(), settings.probe_port):
            await program.run()


@dataclass(frozen=True, kw_only=True)
class Program:
    """All parts of a running operator."""

    settings: OperatorSettings
    api: client.CustomObjectsApi
    summaries: SummaryStore
    erasures: Erasures
    metrics: Metrics
    lease: Lease
    sweep_request: SweepRequest
    streams: WatchStreams
    stop: Callable[[], object]

    async def run(self) -> None:
        """Stand by, act, and leave the lease to others at the end."""
        with suppress(DatabaseUnavailable):  # it may come later; another schema, which will not, ends the program
            await self.summaries.check_schema()
        await check_listed(self.api, self.settings.watched_namespace)
        try:
            await self.lease.acquire()
            await self._act()
        finally:
            await self.lease.release()

    def probes(self) -> Probes:
        """Return what answers the kubelet and Prometheus."""
        return Probes(
            stuck=self._stuck,
            checks={
                "database": Remembered(check=self.summaries.check_schema, seconds=_DATABASE_GOOD_FOR_S),
                "definition": Remembered(check=lambda: check_definition(self.api), seconds=_DEFINITION_GOOD_FOR_S),
            },
            role=lambda: "acting" if self.lease.held else "standby",
            registry=self.metrics.registry,
        )

    def _stuck(self) -> list[str]:
        watches = self.streams.silent() if self.streams.started else []
        return [*watches, *(["lease"] if self.lease.silent_s() > MOST_SILENT_S else [])]

    async def _act(self) -> None:
        """Work and watch: a part that ends takes the program with it, so that it is started again."""
        self.metrics.leading.set(1)
        recordings = RecordingStore(self.settings.buckets) if self.settings.buckets.uris else None
        cluster = KubernetesCluster(self.api, self.settings.watched_namespace)
        reconciler = self._reconciler(cluster, recordings)
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep(self.lease))
            await reconciler.prime()
            self._follow_watches()
            # Started before kopf, which at its end waits for whatever began after it.
            group.create_task(self.streams.listen())
            reconciler.start(group)
            if recordings and self.settings.sweep_seconds:
                group.create_task(self._sweep(recordings).run())
            group.create_task(self._erasing(cluster).run())
            group.create_task(self._watch(reconciler))

    def _follow_watches(self) -> None:
        self.streams.start()
        for plural in WATCHED:
            self.metrics.follow_watch(plural, partial(self.streams.age_s, plural))

    def _reconciler(self, cluster: KubernetesCluster, recordings: RecordingStore | None) -> Reconciler:
        return Reconciler(
            cluster=cluster,
            summaries=self.summaries,
            recordings=recordings,
            settings=self.settings,
            metrics=self.metrics,
            now=_now,
        )

    def _sweep(self, recordings: RecordingStore) -> Sweep:
        return Sweep(
            recordings=recordings,
            buckets=self.settings.buckets,
            sessions=KubernetesSessions(self.api, self.settings.namespace),
            summaries=self.summaries,
            settings=SweepSettings(
                every_seconds=self.settings.sweep_seconds,
                settle_seconds=self.settings.sweep_settle_seconds,
                wanted=self.settings.wanted,
            ),
            metrics=self.metrics,
            namespace=self.settings.namespace,
            now=_now,
            request=self.sweep_request,
        )

    def _erasing(self, cluster: KubernetesCluster) -> Erasing:
        return Erasing(
            cluster=cluster,
            summaries=self.summaries,
            erasures=self.erasures,
            retention_days=self.settings.retention_days,
            clock=time.monotonic,
        )

    async def _watch(self, reconciler: Reconciler) -> None:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._log_in)
        watch(registry, reconciler)
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(),
            memories=NoMemories(),
            clusterwide=self.settings.cluster_wide,
            namespaces=[] if self.settings.cluster_wide else [self.settings.namespace],
        )
        # Signals are kopf's by now: where it ends without an error, it was told to.
        self.stop()

    async def _log_in(self, *, settings: kopf.OperatorSettings, **_: object) -> kopf.AiohttpSession | None:
        """Connect as kopf would, but so that arriving bytes are noticed."""
        login = kopf.login_with_service_account if in_cluster() else kopf.login_with_kubeconfig
        info = login(settings=settings)
        if info is None:
            return None
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
            headers=info.as_http_headers(),
            trace_configs=[self.streams.trace()],
        )
        return kopf.AiohttpSession(server=info.server, aiohttp_session=session)


async def _keep(lease: Lease) -> None:
    """Renew the lease; an orderly end could take seconds in which another replica acts already."""
    try:
        await lease.keep()
    except LeaseLost as lost:
        log.critical("%s", lost)
        os._exit(1)


def _on_signals(stop: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _stopper() -> Callable[[], object]:
    """Return what cancels the running task, and all that it waits for."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("not inside a task")
    return task.cancel


def _now() -> datetime:
    return datetime.now(UTC)
