"""Every operation of the web programs, and the programs made of them."""

from collections.abc import Sequence
from typing import Any

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from emg_api import refusals
from emg_api.about import EXPOSITION_MEDIA, About
from emg_api.access.gate import Gate
from emg_api.adapters import supabase
from emg_api.budget import ByteBudget
from emg_api.contractions import WRITERS
from emg_api.disconnects import StopsWithoutClient
from emg_api.drawing import WindowDrawer
from emg_api.excerpts import ExcerptReader
from emg_api.headers import HeaderSettings
from emg_api.health import Alive, Health, Ready
from emg_api.layouts import Layouts
from emg_api.metrics import Metrics
from emg_api.negotiation import MediaType
from emg_api.observed import Application
from emg_api.openapi import document
from emg_api.operations import Op, routes
from emg_api.page import VIEWER_FOLDER, AssetPath, Page
from emg_api.problems import EXCEPTION_HANDLERS
from emg_api.receiver import IgnoredAnswer, Receiver, StatusAnswer, UploadAnswer
from emg_api.recent import Answers, RecentBodies
from emg_api.refusals import ChannelNotFound, NotAcceptable, NotAnalysedYet, ResultNotFound
from emg_api.requests import ChannelPath, CodePath, OfProfile, SenderPath, SenderQuery, SessionPath
from emg_api.sessions import ListQuery, ResultsAnswer, SessionAnswer, Sessions, SessionsAnswer
from emg_api.signals import ChannelsAnswer, Signals
from emg_api.standings import Standings
from emg_api.whole import WholeAnswer, WholeQuery
from emg_api.window_answers import WINDOW_MEDIA, WindowAnswer, WindowsAnswer
from emg_api.windows import WindowQuery, WindowsQuery
from emg_session import errors
from emg_session.recordings import RecordingStore
from emg_session.session_store import SessionStore
from emg_session.spans import PLAIN_SPANS, Spans

_NO_HEADERS = HeaderSettings()
_COMPUTING_THREADS = 2
_MOST_BYTES_UNDER_WAY = 64 * 1024 * 1024
_MOST_BYTES_KEPT = 16 * 1024 * 1024

_NOTICING = (
    *(refusals.UnknownSender, refusals.RepeatedHeader, refusals.UnsupportedMedia, refusals.BodyIncomplete),
    *(refusals.BodyTooLarge, refusals.BodyTooSlow, refusals.NotSigned, refusals.OutOfTime, refusals.NotJson),
    *(refusals.WrongShape, refusals.KeysUnavailable, errors.UnknownBucket, errors.ClusterUnavailable),
    *(errors.SessionRefused, errors.RecordingNotThere, errors.StorageUnavailable),
)
_SUMMARISED = (NotAnalysedYet, ResultNotFound)
_CHOOSING = (*_SUMMARISED, NotAcceptable)
_GREETING = (refusals.UnknownSender, refusals.OriginRefused)
_FINDING = (refusals.SessionNotFound, refusals.TooBusy, errors.InvalidSession, errors.ClusterUnavailable)
_LISTING = (errors.DatabaseUnavailable, errors.SchemaMismatch)
_READING = (
    *(errors.UnknownBucket, errors.RecordingChanged, errors.RecordingNotThere, errors.StorageUnavailable),
    *(errors.NotC3d, errors.CorruptRecording),
)
_DRAWING = (ChannelNotFound, ResultNotFound, NotAcceptable, *_READING)


def receiver_operations(receiver: Receiver) -> list[Op]:
    """Return what senders call."""
    upload, legacy, status = receiver.upload, receiver.legacy_upload, receiver.status
    notice: dict[str, Any] = {"body": supabase.Change, "errors": _NOTICING}
    any_notice: dict[str, Any] = {"params": SenderPath, "query": SenderQuery, "body": Any, "errors": _NOTICING}
    answers = (UploadAnswer, IgnoredAnswer)
    by_sender = "/webhooks/{sender}"
    return [
        Op(
            "POST",
            "/webhooks/storage/c3d-upload-optimized",
            upload,
            **notice,
            status=202,
            out=UploadAnswer,
            also={200: IgnoredAnswer},
        ),
        Op("POST", "/webhooks/storage/c3d-upload", legacy, **notice, out=answers),
        Op(
            "GET", "/webhooks/storage/status/{session_code}", status, params=CodePath, out=StatusAnswer, errors=_FINDING
        ),
        Op(
            "POST",
            by_sender,
            receiver.notice,
            **any_notice,
            status=202,
            out=UploadAnswer,
            also={200: (IgnoredAnswer, dict[str, Any])},
        ),
        Op("OPTIONS", by_sender, receiver.greeting, params=SenderPath, errors=_GREETING),
    ]


def signals_operations(signals: Signals, sessions: Sessions) -> list[Op]:
    """Return what browsers and notebooks call."""
    jit, of_session = "/signals/jit/{session_id}", "/sessions/{session_id}"
    one: dict[str, Any] = {"params": SessionPath, "session": True}
    result: dict[str, Any] = {**one, "query": OfProfile}
    listing: dict[str, Any] = {"listing": True, "also": {304: None}, "errors": _LISTING}
    kept: dict[str, Any] = {"session": True, "also": {304: None}, "errors": _DRAWING}
    channels: dict[str, Any] = {"params": SessionPath, "query": OfProfile, "out": ChannelsAnswer}
    forms: dict[str, Any] = {
        "params": ChannelPath,
        "query": WholeQuery,
        "other_query": WindowQuery,
        "out": _window_media((WholeAnswer, WindowAnswer)),
    }
    several: dict[str, Any] = {"params": SessionPath, "query": WindowsQuery, "out": _window_media(WindowsAnswer)}
    tables = dict.fromkeys(WRITERS, bytes)
    as_csv, as_arrow, as_parquet = (_table(media_type) for media_type in WRITERS)
    return [
        # First: `channels` and `windows` are no channels' names.
        Op("GET", f"{jit}/channels", signals.channels, **kept, **channels),
        Op("GET", f"{jit}/windows", signals.windows, **kept, **several),
        Op("GET", f"{jit}/{{channel_name:path}}", signals.channel, **kept, **forms),
        Op("GET", "/sessions", sessions.listing, **listing, query=ListQuery, out=SessionsAnswer),
        Op("GET", of_session, sessions.one, **result, out=SessionAnswer, errors=(ResultNotFound,)),
        Op("GET", f"{of_session}/results", sessions.results, **one, out=ResultsAnswer),
        Op("GET", f"{of_session}/summary", sessions.summary, **result, out=dict[str, Any], errors=_SUMMARISED),
        Op("GET", f"{of_session}/contractions", sessions.contractions, **result, out=tables, errors=_CHOOSING),
        Op("GET", f"{of_session}/contractions.csv", sessions.contractions_csv, **result, **as_csv),
        Op("GET", f"{of_session}/contractions.arrow", sessions.contractions_arrow, **result, **as_arrow),
        Op("GET", f"{of_session}/contractions.parquet", sessions.contractions_parquet, **result, **as_parquet),
    ]


def _table(media_type: MediaType) -> dict[str, Any]:
    return {"out": {media_type: bytes}, "errors": _SUMMARISED}


def _window_media(as_json: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an operation answers with
    return dict.fromkeys(WINDOW_MEDIA, bytes) | {MediaType.JSON: as_json}


def page_operations(page: Page) -> list[Op]:
    """Return what shows the viewer."""
    return [
        Op("GET", "/", page.index, out={"text/html": bytes}, errors=(refusals.BadPath,)),
        Op("GET", "/viewer/{name}", page.asset, params=AssetPath, out={"text/javascript": bytes, "text/css": bytes}),
    ]


def own_operations(health: Health, about: About) -> list[Op]:
    """Return what Kubernetes, Prometheus and programmers call."""
    return [
        Op("GET", "/livez", health.alive, out=Alive),
        Op("GET", "/readyz", health.ready, out=Ready, errors=_LISTING),
        Op("GET", "/metrics", about.measured, out={EXPOSITION_MEDIA: bytes}),
        Op("GET", "/openapi.json", about.described, out=dict[str, Any]),
    ]


def create_receiver(receiver: Receiver, *, spans: Spans = PLAIN_SPANS) -> Starlette:
    """Create the receiver: notices in, sessions out."""
    health = Health(summaries=receiver.intake.summaries, needs_database=False)
    operations = receiver_operations(receiver)
    return _application("EMG receiver", operations, health=health, metrics=receiver.metrics, spans=spans)


def create_signals(
    *,
    recordings: RecordingStore,
    gate: Gate,
    metrics: Metrics,
    sessions: SessionStore | None = None,
    headers: HeaderSettings = _NO_HEADERS,
    spans: Spans = PLAIN_SPANS,
) -> Starlette:
    """Create the signals API with the viewer; `sessions` is where it is known why one has no result."""
    health = Health(summaries=gate.summaries, needs_database=True)
    operations = _signals(recordings, gate, metrics, sessions)
    return _application(
        "EMG signals", operations, health=health, metrics=metrics, gate=gate, headers=headers, spans=spans
    )


def create_both(receiver: Receiver, gate: Gate, *, spans: Spans = PLAIN_SPANS) -> Starlette:
    """Create receiver and signals API as one program, for one machine."""
    operations = [
        *receiver_operations(receiver),
        *_signals(receiver.intake.recordings, gate, receiver.metrics, receiver.sessions),
    ]
    health = Health(summaries=gate.summaries, needs_database=True)
    return _application("EMG", operations, health=health, metrics=receiver.metrics, gate=gate, spans=spans)


def _signals(recordings: RecordingStore, gate: Gate, metrics: Metrics, sessions: SessionStore | None) -> list[Op]:
    reader = ExcerptReader(
        recordings=recordings,
        budget=ByteBudget(_MOST_BYTES_UNDER_WAY),
        limiter=CapacityLimiter(_COMPUTING_THREADS),
    )
    signals = Signals(
        layouts=Layouts(recordings, metrics),
        drawer=WindowDrawer(reader=reader),
        answers=Answers(recent=RecentBodies(_MOST_BYTES_KEPT), metrics=metrics),
        wholes=ByteBudget(_MOST_BYTES_UNDER_WAY),
    )
    page = Page(files=StaticFiles(directory=VIEWER_FOLDER, check_dir=False))
    known = Sessions(summaries=gate.summaries, standings=Standings(sessions=sessions))
    return [*signals_operations(signals, known), *page_operations(page)]


def _application(
    title: str,
    operations: Sequence[Op],
    *,
    health: Health,
    metrics: Metrics,
    gate: Gate | None = None,
    headers: HeaderSettings = _NO_HEADERS,
    spans: Spans,
) -> Starlette:
    about = About(metrics=metrics)
    every = [*operations, *own_operations(health, about)]
    about.document = document(every, title)
    return Application(
        routes=routes(every, gate),
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[*headers.middleware(), Middleware(StopsWithoutClient)],
        metrics=metrics,
        spans=spans,
    )
