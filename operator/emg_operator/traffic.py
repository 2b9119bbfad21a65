"""What goes over the wire to the API server, told by the connections: writes, and when watches were heard."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
from yarl import URL

from emg_operator.metrics import Metrics, WriteKind, WriteOutcome
from emg_session.resource import PLURAL

log = logging.getLogger(__name__)

# The API server sends a bookmark about once a minute on a watch that has nothing else to tell.
MOST_SILENT_S = 65.0
_LOOK_EVERY_S = 1.0
_READS = ("GET", "HEAD")
_KINDS = {
    PLURAL: WriteKind.SESSION,
    "status": WriteKind.STATUS,
    "jobs": WriteKind.JOB,
    "events": WriteKind.EVENT,
    "leases": WriteKind.LEASE,
}


class WatchStreams:
    """When each watch was heard last: a list or watch was answered, or bytes arrived, be it only a bookmark."""

    def __init__(self, plurals: Collection[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.started = False
        self._clock = clock
        self._heard = dict.fromkeys(plurals, clock())
        self._open: dict[str, tuple[aiohttp.StreamReader, int]] = {}

    def start(self) -> None:
        """Take all watches for heard: they begin now."""
        self.started = True
        self._open.clear()
        self._heard = dict.fromkeys(self._heard, self._clock())

    def trace(self) -> aiohttp.TraceConfig:
        """Return what kopf's connections have to be made with."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._answered)
        return trace

    async def listen(self) -> None:
        """Notice arriving bytes until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Notice what has arrived since the last look."""
        for plural, (stream, known_bytes) in self._open.items():
            if stream.total_bytes != known_bytes:
                self._heard[plural] = self._clock()
                self._open[plural] = (stream, stream.total_bytes)

    def age_s(self, plural: str) -> float:
        """Return how long a watch has been silent."""
        return self._clock() - self._heard[plural]

    def silent(self) -> list[str]:
        """Return the watches that have been silent for longer than a living one ever is."""
        return [plural for plural in self._heard if self.age_s(plural) > MOST_SILENT_S]

    async def _answered(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        plural = params.url.name
        if plural in self._heard and params.response.ok:
            self._heard[plural] = self._clock()
            if "watch" in params.url.query:
                log.info("watch=%s opened", plural)
                self._open[plural] = (params.response.content, params.response.content.total_bytes)


def writes_counted(metrics: Metrics) -> aiohttp.TraceConfig:
    """Count every write on the connections that are made with this."""

    async def answered(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.method not in _READS:
            metrics.wrote(kind_of(params.url), outcome_of(params.response.status))

    async def failed(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if params.method not in _READS:
            metrics.wrote(kind_of(params.url), WriteOutcome.FAILED)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(answered)
    trace.on_request_exception.append(failed)
    return trace


def kind_of(url: URL) -> WriteKind:
    """Tell from .../PLURAL, .../PLURAL/NAME and .../PLURAL/NAME/status, whatever an object may be called."""
    parts = url.parts[url.parts.index("namespaces") + 2 :] if "namespaces" in url.parts else ()
    return _KINDS.get("status" if len(parts) > 2 else parts[0], WriteKind.OTHER) if parts else WriteKind.OTHER  # noqa: PLR2004


def outcome_of(status: int) -> WriteOutcome:
    """Tell from an answer's status."""
    match status:
        case HTTPStatus.CONFLICT:
            return WriteOutcome.CONFLICT
        case HTTPStatus.TOO_MANY_REQUESTS:
            return WriteOutcome.THROTTLED
        case _ if status < HTTPStatus.BAD_REQUEST:
            return WriteOutcome.DONE
        case _ if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return WriteOutcome.REFUSED
        case _:
            return WriteOutcome.FAILED
