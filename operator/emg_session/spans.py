"""Spans: what takes time, with a place in a trace. Plain ones leave identifiers in logs, others are exported."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from emg_session.errors import InvalidSettings
from emg_session.trace import TraceContext, traced

# OpenTelemetry's own names; the exporter reads these and its other settings itself.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Span(Protocol):
    """Something under way."""

    def tell(self, name: str, **facts: str | int) -> None:
        """Say what it turned out to be: names and numbers of ours, nothing from a request or a recording."""


class Spans(Protocol):
    """Makes spans."""

    def span(self, name: str, parent: TraceContext | None) -> AbstractContextManager[Span]:
        """Return a block that is a new span below `parent`, or at the root of a new trace."""


class _Untold:
    def tell(self, name: str, **facts: str | int) -> None:
        """Keep nothing."""


class PlainSpans:
    """Spans that are identifiers alone."""

    @contextmanager
    def span(self, name: str, parent: TraceContext | None) -> Iterator[Span]:  # noqa: ARG002 - for others
        """Have the block be a span."""
        with traced(parent.child() if parent else TraceContext.begin()):
            yield _Untold()


PLAIN_SPANS = PlainSpans()


@contextmanager
def opened_spans(env: Mapping[str, str], service: str) -> Iterator[Spans]:
    """Export spans where an endpoint is set; raises InvalidSettings without the extra `otel`."""
    if not any(env.get(name) for name in _ENDPOINTS):
        yield PLAIN_SPANS
        return
    try:
        from emg_session.exported_spans import exported_spans  # noqa: PLC0415 - an extra that few installations have
    except ImportError as error:
        raise InvalidSettings(
            f"{_ENDPOINTS[0]} is set, but OpenTelemetry is not installed: pip install emg-operator[otel]"
        ) from error
    with exported_spans(service) as spans:
        yield spans
