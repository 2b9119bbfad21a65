"""The signals API with all it needs: storage, database, who callers are, and where sessions stand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from emg_api.access.audit import audit_trail
from emg_api.access.gate import Gate
from emg_api.access.settings import opened_access
from emg_api.app import create_signals
from emg_api.measured import MeasuredRecordings
from emg_api.metrics import Metrics
from emg_api.server import listen, refuse_other_schema, serve
from emg_api.settings import SignalsSettings
from emg_session.audit import AuditLog
from emg_session.database import SummaryStore
from emg_session.pool import open_database
from emg_session.session_store import SessionStore
from emg_session.spans import Spans


async def run_signals(settings: SignalsSettings, spans: Spans) -> None:
    """Serve the signals API until told to stop."""
    web, metrics = settings.web, Metrics()
    listener = listen(web.host, web.port)
    async with (
        opened_access(settings.access, metrics) as access,
        open_database(web.database_url) as database,
        audit_trail(AuditLog(database)) as audit,
        _opened_sessions(settings.standings) as sessions,
    ):
        gate = Gate(summaries=SummaryStore(database), access=access, audit=audit)
        await refuse_other_schema(gate.summaries)
        recordings = MeasuredRecordings(web.buckets, metrics)
        signals = create_signals(
            recordings=recordings,
            gate=gate,
            metrics=metrics,
            sessions=sessions,
            headers=settings.headers,
            spans=spans,
        )
        await serve(signals, listener)


@asynccontextmanager
async def _opened_sessions(namespace: str | None) -> AsyncIterator[SessionStore | None]:
    """Connect to where sessions are kept; raises InvalidSettings where there is no cluster."""
    if namespace is None:
        yield None
        return
    # 0.3 s and 50 MB, which others spare.
    from emg_session.sessions import KubernetesSessions, connected_cluster  # noqa: PLC0415

    async with connected_cluster() as api:
        yield KubernetesSessions(api, namespace)
