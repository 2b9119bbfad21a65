"""The receiver with all it needs: storage, cluster, database."""

from emg_api.access.fetching import fetch_published
from emg_api.app import create_receiver
from emg_api.intake import Intake
from emg_api.measured import MeasuredRecordings
from emg_api.metrics import Metrics
from emg_api.receiver import Receiver
from emg_api.senders import build_senders
from emg_api.server import listen, refuse_other_schema, serve
from emg_api.settings import ReceiverSettings
from emg_session.database import open_summaries
from emg_session.sessions import KubernetesSessions, connected_cluster
from emg_session.spans import Spans


async def run_receiver(settings: ReceiverSettings, spans: Spans) -> None:
    """Serve the receiver until told to stop."""
    web, metrics = settings.web, Metrics()
    senders = build_senders(settings.senders, fetch_published)
    listener = listen(web.host, web.port)
    async with connected_cluster() as cluster, open_summaries(web.database_url) as summaries:
        await refuse_other_schema(summaries)
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
