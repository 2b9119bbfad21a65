"""W3C trace context: one trace from the notice through the session to the worker, in every log line on the way."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

# Environment variable and annotation by which a trace travels on.
TRACEPARENT_VARIABLE = "TRACEPARENT"
TRACEPARENT_ANNOTATION = "emg.ghostly/traceparent"

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN, _INVALID_VERSION, _VERSION = "0" * 32, "0" * 16, "ff", "00"
_SAMPLED = "01"


@dataclass(frozen=True, kw_only=True)
class TraceContext:
    """Where in which trace something happens; identifiers in lower-case hexadecimal."""

    trace_id: str
    span_id: str
    flags: str = _SAMPLED

    @classmethod
    def parse(cls, header: str | None) -> "TraceContext | None":
        """Parse a traceparent; None for what is none (Trace Context level 1, §3.2)."""
        match = _HEADER.fullmatch(header or "")
        if match is None:
            return None
        version, trace_id, span_id, flags, rest = match.groups()
        longer_than_known = version == _VERSION and rest is not None
        if version == _INVALID_VERSION or longer_than_known or trace_id == _NO_TRACE or span_id == _NO_SPAN:
            return None
        return cls(trace_id=trace_id, span_id=span_id, flags=flags)

    @classmethod
    def begin(cls) -> "TraceContext":
        """Begin a trace."""
        return cls(trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8))

    def child(self) -> "TraceContext":
        """Return a place below this one."""
        return replace(self, span_id=secrets.token_hex(8))

    def __str__(self) -> str:
        """Write it as a traceparent; the inverse of `parse`."""
        return f"{_VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"


_CURRENT: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


def current_trace() -> TraceContext | None:
    """Return where what runs now belongs."""
    return _CURRENT.get()


@contextmanager
def traced(context: TraceContext | None) -> Iterator[None]:
    """Have what runs in the block belong there."""
    token = _CURRENT.set(context)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_annotation() -> dict[str, str]:
    """Return the annotation by which what runs now is found again from an object that it makes."""
    context = current_trace()
    return {TRACEPARENT_ANNOTATION: str(context)} if context else {}


def traceparent_of(annotations: Mapping[str, str]) -> str | None:
    """Return an object's traceparent, if it has a well-formed one: anybody who may edit it may have put it there."""
    context = TraceContext.parse(annotations.get(TRACEPARENT_ANNOTATION))
    return str(context) if context else None
