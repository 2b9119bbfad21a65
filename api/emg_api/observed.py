"""Every request gets an identifier and a trace, is timed until its answer's last byte, and leaves a line."""

import logging
import re
import uuid
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emg_api.metrics import Metrics
from emg_api.operations import OPERATION
from emg_session.logs import identified
from emg_session.spans import Span, Spans
from emg_session.trace import TraceContext

REQUEST_ID_HEADER = "x-request-id"

_NO_OPERATION = "none"
_BUG = 500
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What probes and Prometheus ask every few seconds.
_QUIET = ("health_", "about_")

_log = logging.getLogger(__name__)


class Application(Starlette):
    """A program whose every answer is observed, that to a bug of ours included."""

    def __init__(self, *, metrics: Metrics, spans: Spans, **starlette: Any) -> None:  # noqa: ANN401 - Starlette's own
        super().__init__(**starlette)
        self.router.redirect_slashes = False  # another path is not found, and nobody is sent to a path of theirs
        self._metrics = metrics
        self._spans = spans

    def build_middleware_stack(self) -> ASGIApp:
        """Observe from outside of everything."""
        return Observed(super().build_middleware_stack(), self._metrics, self._spans)


class Observed:
    """Middleware around a whole program."""

    def __init__(self, app: ASGIApp, metrics: Metrics, spans: Spans) -> None:
        self._app = app
        self._metrics = metrics
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        with identified(request_id), self._spans.span(_NO_OPERATION, parent_of(headers)) as span:
            await self._observe(scope, receive, send, request_id, span)
        return None

    async def _observe(self, scope: Scope, receive: Receive, send: Send, request_id: str, span: Span) -> None:
        status, started = _BUG, perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            operation = scope.get(OPERATION, _NO_OPERATION)
            span.tell(operation, status=status)
            self._tell(operation, status, perf_counter() - started)

    def _tell(self, operation: str, status: int, seconds: float) -> None:
        self._metrics.answered(operation, status, seconds)
        level = logging.DEBUG if operation.startswith(_QUIET) else logging.INFO
        fields = {"operation": operation, "status": status, "milliseconds": round(1000 * seconds, 3)}
        _log.log(level, "answered", extra=fields)


def request_id_of(headers: Headers) -> str:
    """Return the identifier that the request brings, if it is well-formed, or a new one."""
    given = headers.getlist(REQUEST_ID_HEADER)
    return given[0] if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]) else uuid.uuid4().hex


def parent_of(headers: Headers) -> TraceContext | None:
    """Return the place in a trace that the request comes from."""
    given = headers.getlist("traceparent")
    return TraceContext.parse(given[0]) if len(given) == 1 else None
