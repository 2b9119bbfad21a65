"""Everything on one machine: PostgreSQL, storage, receiver, signals, viewer, operator and Jobs in one program."""

import asyncio
import json
import logging
import signal
import socket
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from emg_api.access.audit import audit_trail
from emg_api.access.callers import OpenAccess
from emg_api.access.fetching import fetch_published
from emg_api.access.gate import Gate
from emg_api.app import create_both
from emg_api.intake import Intake
from emg_api.measured import MeasuredRecordings
from emg_api.metrics import Metrics as WebMetrics
from emg_api.receiver import Receiver
from emg_api.senders import SenderSettings, build_senders
from emg_local.cluster import LocalCluster
from emg_local.demo import Demo
from emg_local.embedded import data_folder, embedded_programs
from emg_local.jobs import LocalJobs
from emg_local.place import Place, first_key, opened_place
from emg_local.postgres import Postgres
from emg_local.server import HOST, Server, listening_socket
from emg_operator.bodies import Kind
from emg_operator.erasing import Erasing
from emg_operator.metrics import Metrics
from emg_operator.reconcile import Reconciler
from emg_operator.settings import OperatorSettings
from emg_operator.sweep import Sweep, SweepSettings
from emg_session import migrate
from emg_session.audit import AuditLog
from emg_session.database import SummaryStore
from emg_session.erasure import Erasures
from emg_session.errors import Failure, InvalidSettings, TransientFailure
from emg_session.pool import Database, open_database
from emg_session.recordings import Buckets, RecordingStore
from emg_session.settings import integer

NAMESPACE = "local"
_IMAGE = "none"  # no container is made of it
_INTERRUPTED = 130
_SECONDS_FOR_AN_END = 2
# A file copied into the folder is announced by nobody; one that still grows is left alone.
_SWEEP = SweepSettings(every_seconds=5, settle_seconds=3)
_ERASING_EVERY_S = 1.0


class ProgramEnded(TransientFailure):
    """One of the programs ended though nobody stopped it."""


def run(*, data: Path, port: int, demo: bool, env: Mapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM, or until the demo is over; return the exit code. Raises a Failure."""
    _refuse_authentication(env)
    with opened_place(data) as place, listening_socket(port) as listening:
        logging.basicConfig(
            filename=place.log, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
        )
        senders = place.senders(env)
        with Postgres(programs=embedded_programs(), data=data_folder(place.folder)) as postgres:
            migrate.upgrade(postgres.url)
            place.tell_database(postgres.url)
            machine = Machine(
                place=place,
                database_url=postgres.url,
                listening=listening,
                senders=senders,
                cross_check=env.get("EMG_CROSS_CHECK", ""),
                retention_days=integer(env, "EMG_RETENTION_DAYS", 0, most=36_500),
                demo=demo,
            )
            return asyncio.run(machine.run())


@dataclass(frozen=True, kw_only=True)
class Machine:
    """All programs in one event loop; analyses run in processes of their own."""

    place: Place
    database_url: str
    listening: socket.socket
    senders: Sequence[SenderSettings]
    cross_check: str
    retention_days: int
    demo: bool

    async def run(self) -> int:
        """Run all programs until they are no longer used, or one of them ends, which none should."""
        cluster = LocalCluster(self.place.cluster, now=_now)
        async with open_database(self.database_url) as database, audit_trail(AuditLog(database)) as audit:
            summaries = SummaryStore(database)
            gate = Gate(summaries=summaries, access=OpenAccess(), audit=audit)
            server = Server(self._app(cluster, gate), self.listening)
            using = asyncio.create_task(self._use(server, first_time=not cluster.bodies(Kind.SESSION)))
            serving = asyncio.create_task(server.run_until_stopped())
            working = [asyncio.create_task(work) for work in self._workers(cluster, database)]
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, using.cancel)
            done, _ = await asyncio.wait([using, serving, *working], return_when=asyncio.FIRST_COMPLETED)
            server.stop()
            await _stop([using, *working])
            await asyncio.wait([serving])
        return self._exit_code(using, done)

    async def _use(self, server: Server, *, first_time: bool) -> int:
        """Show the first recording where there is none yet, or if asked to; then stay for others, but not in a demo."""
        await server.ready.wait()
        base_url = f"http://{HOST}:{self.listening.getsockname()[1]}"
        print(f"ready {base_url}", flush=True)
        code = await self._show(base_url) if self.demo or first_time else 0
        if not self.demo:
            await asyncio.Event().wait()
        return code

    async def _show(self, base_url: str) -> int:
        console = Console(stderr=True)
        demo = Demo(place=self.place, base_url=base_url, key=first_key(self.senders), console=console)
        try:
            await demo.run()
        except Failure as failure:
            console.print(f"emg: {failure}", markup=False, soft_wrap=True)
            return 1
        return 0

    def _app(self, cluster: LocalCluster, gate: Gate) -> ASGIApp:
        buckets, metrics = Buckets(self.place.buckets), WebMetrics()
        intake = Intake(
            sessions=cluster,
            recordings=MeasuredRecordings(buckets, metrics),
            summaries=gate.summaries,
            buckets=buckets,
            namespace=NAMESPACE,
            metrics=metrics,
        )
        senders = build_senders(self.senders, fetch_published)
        receiver = Receiver(senders=senders, intake=intake, sessions=cluster, metrics=metrics)
        # Nobody is asked for a token here: a page elsewhere, whose name now leads to this machine, must not read along.
        return TrustedHostMiddleware(create_both(receiver, gate), allowed_hosts=[HOST, "localhost"])

    def _workers(self, cluster: LocalCluster, database: Database) -> list[Coroutine[Any, Any, None]]:
        settings = OperatorSettings(namespace=NAMESPACE, image=_IMAGE)
        summaries, metrics = SummaryStore(database), Metrics()
        reconciler = Reconciler(
            cluster=cluster,
            summaries=summaries,
            recordings=RecordingStore(Buckets(self.place.buckets)),
            settings=settings,
            metrics=metrics,
            now=_now,
        )
        secrets = {
            "EMG_DATABASE_URL": self.database_url,
            "EMG_BUCKETS": json.dumps(self.place.buckets),
            "EMG_CROSS_CHECK": self.cross_check,
        }
        jobs = LocalJobs(cluster, folder=self.place.logs, secrets=secrets, now=_now)
        cluster.watch(jobs.observe)
        cluster.watch(reconciler.observe)
        erasing = Erasing(
            cluster=cluster,
            summaries=summaries,
            erasures=Erasures(database),
            retention_days=self.retention_days,
            clock=time.monotonic,
            every_s=_ERASING_EVERY_S,
        )
        return [reconciler.run(), jobs.run(), self._sweep(cluster, summaries, metrics).run(), erasing.run()]

    def _sweep(self, cluster: LocalCluster, summaries: SummaryStore, metrics: Metrics) -> Sweep:
        buckets = Buckets(self.place.buckets)
        return Sweep(
            recordings=RecordingStore(buckets),
            buckets=buckets,
            sessions=cluster,
            summaries=summaries,
            settings=_SWEEP,
            metrics=metrics,
            namespace=NAMESPACE,
            now=_now,
        )

    def _exit_code(self, using: asyncio.Task[int], done: set[asyncio.Task[Any]]) -> int:
        if using not in done:
            for task in done:
                task.result()
            raise ProgramEnded(f"a program ended by itself: see {self.place.log}")
        if using.cancelled():
            return _INTERRUPTED if self.demo else 0
        return using.result()


async def _stop(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended: the pool's `asyncio.wait_for` can lose a cancellation before Python 3.12."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_SECONDS_FOR_AN_END)


def _refuse_authentication(env: Mapping[str, str]) -> None:
    if env.get("EMG_AUTH", "") not in ("", "none"):
        raise InvalidSettings("`emg run` serves whoever is on this machine: EMG_AUTH may only be none here")


def _now() -> datetime:
    return datetime.now(UTC)
