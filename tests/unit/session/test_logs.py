import json
import logging
import sys

from emg_session.logs import JsonLines


def test_a_log_line_is_an_event_with_its_fields():
    record = logging.makeLogRecord(
        {"name": "emg_api.receiver", "msg": "notice %s", "args": ("ignored",), "levelname": "INFO", "created": 0.5}
    )
    record.reason = "no .c3d file"

    assert json.loads(JsonLines().format(record)) == {
        "time": "1970-01-01T00:00:00.500000Z",
        "level": "INFO",
        "logger": "emg_api.receiver",
        "event": "notice ignored",
        "reason": "no .c3d file",
    }


def test_a_bug_is_logged_with_its_place_and_without_its_text():
    words = ["P.", "Smith"]
    try:
        int(words[1])
    except ValueError:
        record = logging.LogRecord("emg", logging.ERROR, __file__, 1, "a bug", (), sys.exc_info())

    exception = json.loads(JsonLines().format(record))["exception"]

    assert exception.startswith("ValueError\n")
    assert "test_a_bug_is_logged" in exception
    assert "Smith" not in exception.replace('"P. Smith"', "")
