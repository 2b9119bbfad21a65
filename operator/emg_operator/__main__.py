"""The operator: `python -m emg_operator`."""

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime

import kopf

from emg_operator.cluster import KubernetesCluster, check_definition
from emg_operator.handlers import kopf_settings, watch
from emg_operator.reconcile import Reconciler
from emg_operator.settings import OperatorSettings
from emg_session.connections import database_url
from emg_session.database import open_summaries
from emg_session.errors import Failure
from emg_session.recordings import RecordingStore
from emg_session.sessions import connected_cluster, in_cluster

_LIVENESS = "http://0.0.0.0:8081/healthz"


async def operate(settings: OperatorSettings, database: str) -> None:
    """Run until told to stop."""
    async with connected_cluster() as api, open_summaries(database) as summaries:
        await summaries.check_schema()
        await check_definition(api, settings.namespace)
        reconciler = Reconciler(
            cluster=KubernetesCluster(api, settings.namespace),
            summaries=summaries,
            recordings=RecordingStore(settings.buckets) if settings.buckets else None,
            settings=settings,
            now=lambda: datetime.now(UTC),
        )
        await reconciler.prime()
        await _until_either_ends(reconciler, settings)


async def _until_either_ends(reconciler: Reconciler, settings: OperatorSettings) -> None:
    """Work and watch: a worker that dies takes the program with it, so that it is restarted."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_login)
    watch(registry, reconciler)
    watching = kopf.operator(
        registry=registry,
        settings=kopf_settings(),
        namespaces=[settings.namespace],
        liveness_endpoint=_LIVENESS,
    )
    async with asyncio.TaskGroup() as group:
        # Started before kopf, which at its end waits for whatever began after it.
        workers = reconciler.start(group)
        await watching
        for worker in workers:
            worker.cancel()


def _login(*, settings: kopf.OperatorSettings, **_: object) -> kopf.ConnectionInfo | None:
    login = kopf.login_with_service_account if in_cluster() else kopf.login_with_kubeconfig
    return login(settings=settings)


def main() -> None:
    """Start the program; a setting that is wrong is one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = OperatorSettings.from_env(os.environ)
        asyncio.run(operate(settings, database_url(os.environ)))
    except Failure as failure:
        sys.exit(f"emg_operator: {failure}")


if __name__ == "__main__":
    main()
