"""Logs: one JSON object a line, an event with its fields. Never anything from inside a recording."""

import logging
import traceback
from datetime import UTC, datetime

import msgspec

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
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line["exception"] = _trace(error)
        return msgspec.json.encode(line, enc_hook=str).decode()


def _trace(error: BaseException) -> str:
    """Return an error's kind and places; its text, and those of its causes, might quote a recording or a row."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


def log_as_json() -> None:
    """Send every program event to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
