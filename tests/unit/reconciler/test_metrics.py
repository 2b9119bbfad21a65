"""What Prometheus is told."""

import dataclasses
from datetime import timedelta

from msgspec.structs import replace

from emg_operator.metrics import Metrics, WriteKind, WriteOutcome
from emg_operator.progress import Progress, status_of
from emg_operator.run import Run
from emg_operator.surroundings import Surroundings
from emg_session.status import Attempt, Reason, SessionStatus, Truth
from tests.support.sessions import FACTS, NOW, session


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def completed() -> SessionStatus:
    done = Progress(Truth.TRUE, Reason.COMPLETED, "done", FACTS)
    return status_of(session(), Run.of(session(), []), Surroundings(), done, NOW)


def test_the_end_of_a_session_is_timed_from_its_creation() -> None:
    metrics = Metrics()
    metrics.progressed(session(), completed(), NOW)
    assert value(metrics, "emg_operator_result_seconds_sum") == 60.0


def test_a_run_that_was_asked_for_again_is_not_timed_from_its_creation() -> None:
    metrics = Metrics()
    metrics.progressed(dataclasses.replace(session(), rerun="again"), completed(), NOW)
    assert value(metrics, "emg_operator_result_seconds_count") == 0.0


def test_a_session_that_ended_before_it_was_made_by_another_clock_took_no_time() -> None:
    metrics = Metrics()
    metrics.progressed(session(), completed(), NOW - timedelta(days=1))
    assert value(metrics, "emg_operator_result_seconds_sum") == 0.0


def test_running_out_of_memory_is_counted_once_an_attempt() -> None:
    metrics = Metrics()
    status = SessionStatus(attempts=(Attempt(job="a1", memory_mib=128, reason=Reason.OUT_OF_MEMORY),))
    before = session()
    metrics.progressed(before, status, NOW)
    metrics.progressed(type(before)(**{**vars(before), "status": status}), replace(status, attempt_count=1), NOW)
    assert value(metrics, "emg_operator_out_of_memory_total") == 1.0


def test_sessions_are_counted_by_reason_at_every_scrape() -> None:
    metrics, counts = Metrics(), {Reason.RUNNING: 2}
    metrics.follow_sessions(lambda: counts)
    counts[Reason.COMPLETED] = 7
    assert value(metrics, "emg_operator_sessions", reason="Running") == 2.0
    assert value(metrics, "emg_operator_sessions", reason="Completed") == 7.0
    assert value(metrics, "emg_operator_sessions", reason="BadRecording") == 0.0


def test_every_series_is_there_before_anything_happened() -> None:
    metrics = Metrics()
    shown = [
        value(metrics, "emg_operator_api_writes_total", kind=k, outcome=o) for k in WriteKind for o in WriteOutcome
    ]
    assert set(shown) == {0.0}
