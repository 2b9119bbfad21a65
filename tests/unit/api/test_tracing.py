import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from emg_api.app import create_both
from emg_operator.decisions import AttemptPlan
from emg_operator.manifests import build_job
from emg_session.contract import WorkerContract
from emg_session.exported_spans import ExportedSpans
from emg_session.spans import PLAIN_SPANS, opened_spans
from emg_session.trace import TraceContext
from emg_worker.tracing import under_way
from emg_worker.work import Worker
from tests.support.sessions import SETTINGS
from tests.support.web import KEYS, UPLOAD, inserted, signed

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TOLD = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter) -> ExportedSpans:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return ExportedSpans(provider.get_tracer("tests"))


@pytest.fixture
async def traced_web(receiver, gate, spans) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_both(receiver, gate, spans=spans))
    async with httpx2.AsyncClient(transport=transport, base_url="http://emg") as client:
        yield client


async def noticed(web: httpx2.AsyncClient, **headers: str) -> str:
    """Return the code of the session that a notice made."""
    body = httpx2.Request("POST", "http://emg", json=inserted("P001/one.c3d")).content
    return (await web.post(UPLOAD, content=body, headers=signed(body, KEYS[0]) | headers)).json()["session_code"]


async def test_receiver_and_worker_are_spans_of_the_senders_trace(traced_web, receiver, spans, exporter):
    code, intake = await noticed(traced_web, **TOLD), receiver.intake
    contract = WorkerContract.from_env(WorkerContract.of(await receiver.sessions.load(code)).to_env())
    with under_way(contract, spans):
        await Worker(contract, intake.recordings, intake.summaries).run()

    received, worked = exporter.get_finished_spans()
    assert (received.name, worked.name) == ("receiver_upload", "worker")
    assert {f"{span.context.trace_id:032x}" for span in (received, worked)} == {TRACE}
    assert f"{received.parent.span_id:016x}" == SPAN
    assert worked.parent.span_id == received.context.span_id
    assert worked.attributes == {"emg.session": code, "emg.outcome": "stored"}


async def test_without_opentelemetry_the_trace_goes_on_all_the_same(web, sessions, caplog):
    caplog.set_level("INFO")
    code = await noticed(web, **TOLD)
    contract = WorkerContract.of(await sessions.load(code))
    parent = TraceContext.parse(contract.traceparent)

    assert parent is not None
    assert (parent.trace_id, parent.span_id != SPAN) == (TRACE, True)
    with under_way(contract, PLAIN_SPANS):
        pass
    assert [r.outcome for r in caplog.records if r.getMessage() == "work ends"] == ["stored"]


async def test_a_notice_without_a_trace_begins_one(web, sessions):
    for headers in ({}, {"traceparent": "00-nonsense"}):
        code = await noticed(web, **headers)
        assert TraceContext.parse((await sessions.load(code)).traceparent) is not None


async def test_the_job_has_the_trace_in_its_environment(web, sessions):
    session = await sessions.load(await noticed(web, **TOLD))
    job = build_job(session, AttemptPlan(number=1, memory_mib=136), SETTINGS)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {"name": "TRACEPARENT", "value": session.traceparent} in container["env"]


async def test_a_request_keeps_its_well_formed_identifier_and_gets_one_otherwise(web):
    kept = await web.get("/livez", headers={"x-request-id": "Gateway-1.2_3"})
    assert kept.headers["x-request-id"] == "Gateway-1.2_3"
    for bad in ("x" * 65, "a b", "ä".encode(), ""):
        made = (await web.get("/livez", headers={"x-request-id": bad})).headers["x-request-id"]
        assert len(made) == 32


async def test_a_bug_is_told_with_its_request_and_nothing_from_inside(receiver, gate, monkeypatch):
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("P. Smith")

    monkeypatch.setattr(gate.summaries, "list_sessions", broken)
    transport = httpx2.ASGITransport(app=create_both(receiver, gate), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://emg") as client:
        response = await client.get("/sessions", headers={"x-request-id": "r-1"})
    assert (response.status_code, response.headers["x-request-id"]) == (500, "r-1")
    assert response.json()["type"] == "urn:emg-operator:problem:internal-error"
    assert "Smith" not in response.text


def test_a_failed_span_tells_the_kind_of_error_alone(spans, exporter):
    contract = WorkerContract(session_name="emg-a", spec=None)
    with pytest.raises(ZeroDivisionError), under_way(contract, spans):
        raise ZeroDivisionError("P. Smith")
    (span,) = exporter.get_finished_spans()
    assert (span.status.description, span.attributes["emg.outcome"]) == ("ZeroDivisionError", "ZeroDivisionError")
    assert "Smith" not in span.to_json()


class Collector(BaseHTTPRequestHandler):
    """Takes spans as a collector does; `received` has the requests."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_spans_reach_the_collector_that_the_environment_names(monkeypatch):
    Collector.received = []
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
    monkeypatch.setenv(*env.popitem())
    try:
        parent, endpoint = TraceContext.parse(TOLD["traceparent"]), {"OTEL_EXPORTER_OTLP_ENDPOINT": "set"}
        with opened_spans(endpoint, "emg-worker") as spans, spans.span("worker", parent):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    (request,) = Collector.received
    (resource,) = request.resource_spans
    assert ("service.name", "emg-worker") in [(a.key, a.value.string_value) for a in resource.resource.attributes]
    assert resource.scope_spans[0].spans[0].trace_id.hex() == TRACE
