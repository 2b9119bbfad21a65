"""What the web programs count and time, for Prometheus: every label's values are a closed set, none from outside."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

from emg_api.adapters.notice import Because
from emg_api.adapters.table import SENDERS
from emg_api.problems import BUG, KINDS
from emg_session.errors import Failure, TransientFailure

_OTHER = "other"
_NONE = "none"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Outcome(StrEnum):
    """What came of a notice: a session made or there already, nothing to do, not accepted, or not accepted now."""

    CREATED = "created"
    REPEATED = "repeated"
    IGNORED = "ignored"
    REFUSED = "refused"
    FAILED = "failed"


class Cache(StrEnum):
    """What is kept between requests."""

    LAYOUTS = "layouts"
    ANSWERS = "answers"
    ACCESS = "access"


class Metrics:
    """The metrics of one program, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._notices = self._counter(
            "emg_webhook_notices", "Notices by sender and what came of them.", "sender", "outcome", "reason"
        )
        self._answers = self._histogram(
            "emg_http_answer_seconds", "From a request's first byte to its answer's last.", "operation", "status"
        )
        self._bytes_read = self._counter("emg_storage_read_bytes", "Bytes of recordings read from object storage.")
        self._reads = self._histogram("emg_storage_read_seconds", "Reads from object storage.")
        self._waits = self._histogram(
            "emg_object_wait_seconds", "From a notice to the sight of its object, or the end of patience.", "seen"
        )
        self._look_ups = self._counter("emg_cache_look_ups", "Look-ups in what is kept.", "cache", "hit")

    def notice(self, sender: str, outcome: Outcome, reason: Because | None = None) -> None:
        """Count a notice."""
        self._notices.labels(_closed(sender, SENDERS), outcome, reason or _NONE).inc()

    @contextmanager
    def refusals(self, sender: str) -> Iterator[None]:
        """Count the notice of this sender as refused or failed where the block raises."""
        try:
            yield
        except Failure as failure:
            self.refused(sender, failure)
            raise

    def refused(self, sender: str, failure: Failure) -> None:
        """Count a notice that was not accepted."""
        outcome = Outcome.FAILED if isinstance(failure, TransientFailure) else Outcome.REFUSED
        self._notices.labels(_closed(sender, SENDERS), outcome, KINDS.get(type(failure), BUG).slug).inc()

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Time an answer; the operation is a name of the table of operations, the status is told by its hundred."""
        self._answers.labels(operation, f"{status // 100}xx").observe(seconds)

    def read(self, size_bytes: int, seconds: float) -> None:
        """Count and time a read from object storage."""
        self._bytes_read.inc(size_bytes)
        self._reads.observe(seconds)

    def waited(self, seconds: float, *, seen: bool) -> None:
        """Time how long a notice's object was waited for."""
        self._waits.labels(str(seen).lower()).observe(seconds)

    def looked_up(self, cache: Cache, *, hit: bool) -> None:
        """Count a look-up in a cache."""
        self._look_ups.labels(cache, str(hit).lower()).inc()

    def exposition(self) -> bytes:
        """Return everything in Prometheus's text format 0.0.4."""
        return generate_latest(self._registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self._registry)

    def _histogram(self, name: str, documentation: str, *labels: str) -> Histogram:
        return Histogram(name, documentation, labels, registry=self._registry, buckets=_SECONDS)


def _closed(value: str, known: Container[str]) -> str:
    return value if value in known else _OTHER
