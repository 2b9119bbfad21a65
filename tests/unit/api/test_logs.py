import json
import logging

from emg_api.logs import JsonLines


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
