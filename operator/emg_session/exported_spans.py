"""Spans for an OpenTelemetry collector."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenTelemetrySpan

from emg_session.spans import Span
from emg_session.trace import TraceContext, traced

# A collector that is away must not keep a program from ending.
_SECONDS_TO_EXPORT = 2.0


class _Told:
    def __init__(self, span: OpenTelemetrySpan) -> None:
        self._span = span

    def tell(self, name: str, **facts: str | int) -> None:
        """Name the span and note the facts."""
        self._span.update_name(name)
        self._span.set_attributes({f"emg.{fact}": value for fact, value in facts.items()})


class ExportedSpans:
    """Spans by a tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, parent: TraceContext | None) -> Iterator[Span]:
        """Have the block be a span; of what it raises only the kind is told."""
        context = set_span_in_context(NonRecordingSpan(_remote(parent))) if parent else None
        span = self._tracer.start_span(name, context=context, record_exception=False, set_status_on_exception=False)
        try:
            with traced(_context(span)):
                yield _Told(span)
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()


def _remote(parent: TraceContext) -> SpanContext:
    return SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.flags, 16)),
    )


def _context(span: OpenTelemetrySpan) -> TraceContext:
    found = span.get_span_context()
    return TraceContext(
        trace_id=f"{found.trace_id:032x}", span_id=f"{found.span_id:016x}", flags=f"{int(found.trace_flags):02x}"
    )


@contextmanager
def exported_spans(service: str) -> Iterator[ExportedSpans]:
    """Export to where OpenTelemetry's own environment variables say, and the last spans at the end."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_SECONDS_TO_EXPORT)))
    try:
        yield ExportedSpans(provider.get_tracer("emg-operator"))
    finally:
        provider.shutdown()
