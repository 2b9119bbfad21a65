"""What the kubelet and Prometheus ask the operator: /livez, /readyz and /metrics, also while it stands by."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from emg_session.errors import DatabaseUnavailable, Failure

log = logging.getLogger(__name__)

PORT = 8081
_HOST = None  # every address of the pod, of either family
# The kubelet waits for a second.
_SECONDS_TO_CHECK = 0.8

Check = Callable[[], Awaitable[None]]


@dataclass(kw_only=True)
class Remembered:
    """A check whose outcome is good for some seconds, however often somebody asks."""

    check: Check
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _checked_at: float | None = field(default=None, init=False)
    _problem: str = field(default="", init=False)

    async def problem(self) -> str:
        """Return what is wrong, nothing where all is well."""
        if self._checked_at is None or self.clock() - self._checked_at >= self.seconds:
            self._problem = await self._ask()
            self._checked_at = self.clock()
        return self._problem

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(_SECONDS_TO_CHECK):
                await self.check()
        except Failure as failure:
            return str(failure)
        except TimeoutError:
            return str(DatabaseUnavailable(f"no answer within {_SECONDS_TO_CHECK:g} s"))
        return ""


@dataclass(frozen=True, kw_only=True)
class Probes:
    """The endpoints with what they look at; `stuck` names what no longer moves though it should."""

    stuck: Callable[[], list[str]]
    checks: Mapping[str, Remembered]
    role: Callable[[], str]
    registry: CollectorRegistry

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application()
        app.add_routes(
            [web.get("/livez", self.live), web.get("/readyz", self.ready), web.get("/metrics", self.metrics)]
        )
        return app

    async def live(self, _request: web.Request) -> web.Response:
        """GET /livez: 503 where only a restart can help."""
        return self._answer(dict.fromkeys(self.stuck(), "silent for too long"))

    async def ready(self, _request: web.Request) -> web.Response:
        """GET /readyz: 503 without the database, its schema, or the definition's fields."""
        problems = {name: await check.problem() for name, check in self.checks.items()}
        return self._answer({name: problem for name, problem in problems.items() if problem})

    async def metrics(self, _request: web.Request) -> web.Response:
        """GET /metrics."""
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _answer(self, problems: Mapping[str, str]) -> web.Response:
        for name, problem in problems.items():
            log.warning("probe=%s %s", name, problem)
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        return web.json_response({"role": self.role(), "problems": problems}, status=status)


@asynccontextmanager
async def served(app: web.Application, port: int = PORT) -> AsyncIterator[int]:
    """Serve while the block runs, and tell the port."""
    # No connection is kept: at its end kopf would wait for it.
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0, keepalive_timeout=0.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
