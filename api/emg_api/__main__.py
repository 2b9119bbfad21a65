"""The two web programs: `python -m emg_api receiver` and `python -m emg_api signals`."""

import logging
import os
import sys

import uvloop

from emg_api.access.audit import audit_trail
from emg_api.access.fetching import fetch_published
from emg_api.access.gate import Gate
from emg_api.access.settings import opened_access
from emg_api.app import create_receiver, create_signals
from emg_api.intake import Intake
from emg_api.measured import MeasuredRecordings
from emg_api.metrics import Metrics
from emg_api.receiver import Receiver
from emg_api.senders import build_senders
from emg_api.server import listen, serve
from emg_api.settings import ReceiverSettings, SignalsSettings
from emg_session.audit import AuditLog
from emg_session.database import SummaryStore, open_summaries
from emg_session.errors import DatabaseUnavailable, Failure
from emg_session.logs import log_as_json
from emg_session.pool import open_database
from emg_session.sessions import KubernetesSessions, connected_cluster
from emg_session.spans import Spans, opened_spans

_BAD_START = 2

_log = logging.getLogger(__name__)


async def run_receiver(settings: ReceiverSettings, spans: Spans) -> None:
    """Serve the receiver until told to stop."""
    web, metrics = settings.web, Metrics()
    senders = build_senders(settings.senders, fetch_published)
    listener = listen(web.host, web.port)
    async with connected_cluster() as cluster, open_summaries(web.database_url) as summaries:
        await _refuse_other_schema(summaries)
        sessions = KubernetesSessions(cluster, settings.namespace)
        intake = Intake(
            sessions=sessions,
            recordings=MeasuredRecordings(web.buckets, metrics),
            summaries=summaries,
            buckets=web.buckets,
            namespace=settings.namespace,
            metrics=metrics,
        )
        receiver = Receiver(senders=senders, intake=intake, sessions=sessions, metrics=metrics)
        await serve(create_receiver(receiver, spans=spans), listener)


async def run_signals(settings: SignalsSettings, spans: Spans) -> None:
    """Serve the signals API until told to stop."""
    web, metrics = settings.web, Metrics()
    listener = listen(web.host, web.port)
    async with (
        opened_access(settings.access, metrics) as access,
        open_database(web.database_url) as database,
        audit_trail(AuditLog(database)) as audit,
    ):
        gate = Gate(summaries=SummaryStore(database), access=access, audit=audit)
        await _refuse_other_schema(gate.summaries)
        recordings = MeasuredRecordings(web.buckets, metrics)
        signals = create_signals(
            recordings=recordings, gate=gate, metrics=metrics, headers=settings.headers, spans=spans
        )
        await serve(signals, listener)


async def _refuse_other_schema(summaries: SummaryStore) -> None:
    try:
        await summaries.check_schema()
    except DatabaseUnavailable as failure:
        _log.warning("started without the database", extra={"reason": str(failure)})


def main(arguments: list[str]) -> None:
    """Run one of the programs."""
    log_as_json()
    match arguments:
        case ["receiver"]:
            with opened_spans(os.environ, "emg-receiver") as spans:
                uvloop.run(run_receiver(ReceiverSettings.from_env(os.environ), spans))
        case ["signals"]:
            with opened_spans(os.environ, "emg-signals") as spans:
                uvloop.run(run_signals(SignalsSettings.from_env(os.environ), spans))
        case _:
            sys.stderr.write("usage: python -m emg_api receiver | signals\n")
            sys.exit(_BAD_START)


def _run() -> int:
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.stderr.write(f"emg_api: {failure}\n")
        return _BAD_START
    return 0


if __name__ == "__main__":
    code = _run()
    sys.stderr.flush()
    # Everything is closed; object storage's threads can abort an interpreter that is being torn down.
    os._exit(code)
