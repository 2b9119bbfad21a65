import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_session.contract import WorkerContract
from emg_session.errors import InvalidSettings
from emg_session.logs import JsonLines, identified
from emg_session.spans import PLAIN_SPANS, opened_spans
from emg_session.trace import TraceContext, current_annotation, current_trace, traceparent_of
from tests.support.sessions import SPEC

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"

hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(hexadecimal, hexadecimal, hexadecimal)
def test_what_is_written_is_parsed_again(trace, span, flags):
    context = TraceContext(trace_id="1" + trace[1:], span_id="1" + span[1:16], flags=flags[:2])
    assert TraceContext.parse(str(context)) == context


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-extra",
        f"00-{TRACE}-{SPAN}",
        f" {HEADER}",
        f"{HEADER}\n",
        f"00-{TRACE}-{SPAN}-0\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_what_is_no_traceparent_begins_no_trace(header):
    assert TraceContext.parse(header) is None


@given(st.text())
def test_no_text_is_a_bug(text):
    TraceContext.parse(text)


def test_a_later_version_may_tell_more():
    assert TraceContext.parse(f"01-{TRACE}-{SPAN}-01-more") == TraceContext(trace_id=TRACE, span_id=SPAN, flags="01")


def test_a_span_is_a_child_of_where_the_request_comes_from():
    parent = TraceContext.parse(HEADER)
    with PLAIN_SPANS.span("any", parent):
        inside = current_trace()
    assert inside is not None
    assert (inside.trace_id, inside.span_id != SPAN) == (TRACE, True)
    assert current_trace() is None


def test_an_annotation_that_is_no_traceparent_is_left_out():
    with PLAIN_SPANS.span("any", None):
        annotation = current_annotation()
    assert traceparent_of(annotation) == annotation["emg.ghostly/traceparent"]
    assert traceparent_of({"emg.ghostly/traceparent": "x; rm -rf"}) is None
    assert traceparent_of({}) is None


def test_the_contract_takes_the_trace_along():
    contract = WorkerContract(session_name="emg-a", spec=SPEC, traceparent=HEADER)
    assert contract.to_env()["TRACEPARENT"] == HEADER
    assert WorkerContract.from_env(contract.to_env()) == contract
    assert "TRACEPARENT" not in WorkerContract(session_name="emg-a", spec=SPEC).to_env()


def test_a_log_line_tells_its_request_and_trace():
    record = logging.makeLogRecord({"msg": "answered", "created": 0.5})
    with identified("r-1"), PLAIN_SPANS.span("any", TraceContext.parse(HEADER)):
        line = json.loads(JsonLines().format(record))
    assert (line["request_id"], line["trace_id"]) == ("r-1", TRACE)


def test_without_an_endpoint_nothing_is_exported():
    with opened_spans({}, "emg-receiver") as spans:
        assert spans is PLAIN_SPANS


def test_an_endpoint_without_opentelemetry_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "emg_session.exported_spans", None)
    refused = pytest.raises(InvalidSettings, match=r"pip install emg-operator\[otel\]")
    with refused, opened_spans({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "emg-receiver"):
        pass
