"""Logs: one JSON object a line, an event with its fields. Never anything from inside a recording."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

from emg_session.trace import current_trace

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as its event and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= _where()
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line["exception"] = _trace(error)
        return msgspec.json.encode(line, enc_hook=str).decode()


_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


@contextmanager
def identified(request_id: str) -> Iterator[None]:
    """Have lines that the block logs tell their request."""
    token = _REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        _REQUEST_ID.reset(token)


def current_request_id() -> str | None:
    """Return the identifier of the request that is being answered."""
    return _REQUEST_ID.get()


def _where() -> dict[str, str]:
    """Return of which request and trace a line is."""
    request_id, trace = current_request_id(), current_trace()
    of_request = {"request_id": request_id} if request_id else {}
    return of_request | ({"trace_id": trace.trace_id, "span_id": trace.span_id} if trace else {})


def _trace(error: BaseException) -> str:
    """Return an error's kind and places; its text, and those of its causes, might quote a recording or a row."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


def log_as_json() -> None:
    """Send every program event to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
