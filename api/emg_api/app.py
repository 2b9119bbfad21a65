"""Every route of the web programs, and the programs made of them."""

from collections.abc import Sequence

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

from emg_api.budget import ByteBudget
from emg_api.excerpts import ExcerptReader
from emg_api.health import Health
from emg_api.layouts import Layouts
from emg_api.page import VIEWER_FOLDER, Page
from emg_api.problems import EXCEPTION_HANDLERS
from emg_api.receiver import Receiver
from emg_api.sessions import Sessions
from emg_api.signals import Signals
from emg_session.database import SummaryStore
from emg_session.recordings import RecordingStore

_COMPUTING_THREADS = 2
_MOST_BYTES_UNDER_WAY = 64 * 1024 * 1024


def receiver_routes(receiver: Receiver) -> list[BaseRoute]:
    """Return what senders call."""
    return [
        Route("/webhooks/storage/c3d-upload-optimized", receiver.upload, methods=["POST"]),
        Route("/webhooks/storage/c3d-upload", receiver.legacy_upload, methods=["POST"]),
        Route("/webhooks/storage/status/{session_code}", receiver.status),
        Route("/webhooks/{sender}", receiver.notice, methods=["POST"]),
        Route("/webhooks/{sender}", receiver.greeting, methods=["OPTIONS"]),
    ]


def signals_routes(signals: Signals, sessions: Sessions, page: Page) -> list[BaseRoute]:
    """Return what browsers and notebooks call."""
    return [
        Route("/signals/jit/{session_id}/channels", signals.channels),  # first: `channels` is no channel's name
        Route("/signals/jit/{session_id}/{channel_name:path}", signals.channel),
        Route("/sessions", sessions.listing),
        Route("/sessions/{session_id}", sessions.one),
        Route("/sessions/{session_id}/summary", sessions.summary),
        Route("/", page.index),
        Route("/viewer/{name}", page.asset),
    ]


def health_routes(health: Health) -> list[BaseRoute]:
    """Return what Kubernetes calls."""
    return [
        Route("/livez", health.alive),
        Route("/readyz", health.ready),
    ]


def create_receiver(receiver: Receiver) -> Starlette:
    """Create the receiver: notices in, sessions out."""
    health = Health(summaries=receiver.intake.summaries, needs_database=False)
    return _application([*receiver_routes(receiver), *health_routes(health)])


def create_signals(*, recordings: RecordingStore, summaries: SummaryStore) -> Starlette:
    """Create the signals API with the viewer."""
    health = Health(summaries=summaries, needs_database=True)
    return _application([*_signals(recordings, summaries), *health_routes(health)])


def create_both(receiver: Receiver) -> Starlette:
    """Create receiver and signals API as one program, for one machine."""
    signals = _signals(receiver.intake.recordings, receiver.intake.summaries)
    health = Health(summaries=receiver.intake.summaries, needs_database=True)
    return _application([*receiver_routes(receiver), *signals, *health_routes(health)])


def _signals(recordings: RecordingStore, summaries: SummaryStore) -> list[BaseRoute]:
    reader = ExcerptReader(
        recordings=recordings,
        budget=ByteBudget(_MOST_BYTES_UNDER_WAY),
        limiter=CapacityLimiter(_COMPUTING_THREADS),
    )
    signals = Signals(summaries=summaries, layouts=Layouts(recordings), reader=reader)
    page = Page(files=StaticFiles(directory=VIEWER_FOLDER, check_dir=False))
    return signals_routes(signals, Sessions(summaries=summaries), page)


def _application(routes: Sequence[BaseRoute]) -> Starlette:
    return Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
