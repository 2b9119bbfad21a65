"""A worker's work as a span of the trace that began with a notice, told in its log by beginning and end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from emg_session.contract import WorkerContract
from emg_session.spans import Spans
from emg_session.trace import TraceContext

_STORED = "stored"

_log = logging.getLogger(__name__)


@contextmanager
def under_way(contract: WorkerContract, spans: Spans) -> Iterator[None]:
    """Have the block be the session's span; its end is told by the kind of what it raises, if anything."""
    session, outcome = contract.session_name, _STORED
    with spans.span("worker", TraceContext.parse(contract.traceparent)) as span:
        _log.info("work begins", extra={"session": session})
        try:
            yield
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            _log.info("work ends", extra={"session": session, "outcome": outcome})
            span.tell("worker", session=session, outcome=outcome)
