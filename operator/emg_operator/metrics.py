"""What the operator tells Prometheus. Every label has a closed set of values, none of them from outside."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from emg_session.resource import EMGSession
from emg_session.status import Reason, SessionStatus

_MINUTE_S, _HOUR_S = 60, 3600
_SECONDS_TO_RESULT = (1, 2, 3, 5, 10, 20, 30, _MINUTE_S, 2 * _MINUTE_S, 5 * _MINUTE_S, 10 * _MINUTE_S, _HOUR_S)


class WriteKind(StrEnum):
    """What a write to the API server is about."""

    SESSION = "session"
    STATUS = "status"
    JOB = "job"
    EVENT = "event"
    LEASE = "lease"
    OTHER = "other"


class WriteOutcome(StrEnum):
    """How the API server took it."""

    DONE = "done"
    CONFLICT = "conflict"
    REFUSED = "refused"
    THROTTLED = "throttled"
    FAILED = "failed"


class SweepOutcome(StrEnum):
    """How the sweep of one bucket ended."""

    DONE = "done"
    FAILED = "failed"


class Metrics:
    """The instruments, on a registry of their own; all series are there from the start."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self.result_seconds = Histogram(
            "emg_operator_result_seconds",
            "Seconds from the notice (the session's creation) to its end.",
            buckets=_SECONDS_TO_RESULT,
            registry=registry,
        )
        self._queue_length = Gauge("emg_operator_queue_length", "Sessions waiting to be looked at.", registry=registry)
        self._queue_age = Gauge(
            "emg_operator_queue_oldest_seconds", "How long the first of them has waited.", registry=registry
        )
        self.attempts = Counter("emg_operator_attempts", "Jobs made.", registry=registry)
        self.out_of_memory = Counter(
            "emg_operator_out_of_memory", "Attempts that ended out of memory.", registry=registry
        )
        self.sweep_finds = Counter(
            "emg_operator_sweep_finds", "Sessions made by the sweep: their notice was lost.", registry=registry
        )
        self._sweeps = Counter(
            "emg_operator_sweeps", "Sweeps of a bucket, by how they ended.", ["outcome"], registry=registry
        )
        self.sweep_failing = Gauge(
            "emg_operator_sweep_failing_buckets", "Buckets whose last sweep ended early.", registry=registry
        )
        self.sweep_passed_over = Gauge(
            "emg_operator_sweep_passed_over", "Objects that the last sweep could not name.", registry=registry
        )
        self._watch_age = Gauge(
            "emg_operator_watch_age_seconds", "Since a watch was heard last.", ["kind"], registry=registry
        )
        self._api_writes = Counter(
            "emg_operator_api_writes", "Writes to the API server.", ["kind", "outcome"], registry=registry
        )
        self.leading = Gauge("emg_operator_leading", "1 while this replica acts.", registry=registry)
        self._show_all_series()

    def progressed(self, session: EMGSession, status: SessionStatus, now: datetime) -> None:
        """Count what a new status tells beyond the one that the session had."""
        ran_out = sum(attempt.reason is Reason.OUT_OF_MEMORY for attempt in status.attempts)
        known = sum(attempt.reason is Reason.OUT_OF_MEMORY for attempt in session.status.attempts)
        self.out_of_memory.inc(max(0, ran_out - known))
        is_first_run = session.rerun is None and all(
            attempt.number == place for place, attempt in enumerate(status.attempts, 1)
        )
        if status.finished and not session.status.finished and is_first_run:
            self.result_seconds.observe(max(0.0, (now - session.created_at).total_seconds()))

    def swept(self, outcome: SweepOutcome) -> None:
        """Count the sweep of a bucket."""
        self._sweeps.labels(outcome).inc()

    def wrote(self, kind: WriteKind, outcome: WriteOutcome) -> None:
        """Count a write to the API server."""
        self._api_writes.labels(kind, outcome).inc()

    def follow_sessions(self, count: Callable[[], Mapping[Reason, int]]) -> None:
        """Ask `count` at every scrape."""
        self.registry.register(_SessionsByReason(count))

    def follow_queue(self, length: Callable[[], int], oldest_seconds: Callable[[], float]) -> None:
        """Ask both at every scrape."""
        self._queue_length.set_function(length)
        self._queue_age.set_function(oldest_seconds)

    def follow_watch(self, kind: str, age_seconds: Callable[[], float]) -> None:
        """Ask for the age of a watch at every scrape; `kind` is one of those that are watched."""
        self._watch_age.labels(kind).set_function(age_seconds)

    def _show_all_series(self) -> None:
        for sweep_outcome in SweepOutcome:
            self._sweeps.labels(sweep_outcome)
        for kind in WriteKind:
            for outcome in WriteOutcome:
                self._api_writes.labels(kind, outcome)


@dataclass(frozen=True)
class _SessionsByReason(Collector):
    """All reasons at once: thousands of sessions are counted, and only once a scrape."""

    count: Callable[[], Mapping[Reason, int]]

    def describe(self) -> Iterator[Metric]:
        """Tell the name without counting."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """Count."""
        counts, family = self.count(), self._family()
        for reason in Reason:
            family.add_metric([reason], counts.get(reason, 0))
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("emg_operator_sessions", "Sessions by reason of Succeeded.", labels=["reason"])
