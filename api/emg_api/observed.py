"""Every request is timed, from its first byte to its answer's last."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emg_api.metrics import Metrics
from emg_api.operations import OPERATION

_NO_OPERATION = "none"
_BUG = 500


class Observed:
    """Middleware around everything but the last resort for bugs, which is Starlette's own."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status, started = _BUG, perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.answered(scope.get(OPERATION, _NO_OPERATION), status, perf_counter() - started)
        return None
