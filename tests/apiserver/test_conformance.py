"""Both programs keep what their /openapi.json promises, whatever they are asked: schemathesis over the real ones."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, build_spec, session_name
from emg_worker.work import Worker
from tests.support.api_server import ApiServer
from tests.support.postgres import fresh_database
from tests.support.receivers import WebProcess, web_process
from tests.support.web import UPLOAD, inserted

NAMESPACE = "emg-conformance"
BUCKET, RECORDING_KEY = "recordings", "P001/one.c3d"
SENDERS, KEY = ("supabase", "s3", "minio", "azure", "cloudevents"), "a-key-for-tests"
# Schemathesis asks for it once, and not as one of its operations.
ITSELF = {"GET /openapi.json"}
# Counted only after the answer that is looked at here; and a greeting needs an origin that is set.
UNCOUNTED = {"about_measured", "receiver_greeting"}
# The same examples each time: what a machine finds today is no surprise tomorrow.
BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory, recording: bytes) -> Path:
    """The folder that serves the bucket, with one recording."""
    folder = tmp_path_factory.mktemp("bucket")
    (folder / RECORDING_KEY).parent.mkdir()
    (folder / RECORDING_KEY).write_bytes(recording)
    return folder


@pytest.fixture(scope="module")
def env(postgres: Postgres, api: ApiServer, bucket: Path) -> Iterator[dict[str, str]]:
    """The settings of both programs."""
    api.make_namespace(NAMESPACE)
    with fresh_database(postgres) as url:
        migrate.upgrade(url)
        yield {
            "EMG_DATABASE_URL": url,
            "EMG_BUCKETS": json.dumps({BUCKET: bucket.as_uri()}),
            "EMG_WEBHOOK_SECRETS": json.dumps({sender: [KEY] for sender in SENDERS}),
            "EMG_NAMESPACE": NAMESPACE,
            "EMG_AUTH": "kubernetes",
        }


@pytest.fixture(scope="module")
def analysed(env: dict[str, str]) -> str:
    """The code of a session that a worker has analysed."""
    return asyncio.run(analyse(env))


async def analyse(env: dict[str, str]) -> str:
    buckets = Buckets.from_json(env["EMG_BUCKETS"])
    uri, recordings = buckets.uri(BUCKET, RECORDING_KEY), RecordingStore(buckets)
    stored = await recordings.read_range(uri, 0, 1)
    recording = RecordingRef(uri=uri, version=stored.version, size_bytes=stored.size_bytes)
    name = session_name(uri, stored.version)
    async with open_summaries(env["EMG_DATABASE_URL"], answer_seconds=60) as summaries:
        contract = WorkerContract(session_name=name, spec=build_spec(recording, RECORDING_KEY))
        await Worker(contract, recordings, summaries).run()
    return name


def clinicians_token(api: ApiServer) -> str:
    """Return the token of somebody who may see every session."""
    in_namespace = ("--namespace", NAMESPACE)
    api.kubectl("create", "serviceaccount", "clinician", *in_namespace)
    api.kubectl("create", "role", "reader", "--verb=get,list", "--resource=emgsessions.emg.ghostly", *in_namespace)
    subject = f"--serviceaccount={NAMESPACE}:clinician"
    api.kubectl("create", "rolebinding", "reader", "--role=reader", subject, *in_namespace)
    return api.kubectl("create", "token", "clinician", "--audience=emg-signals", *in_namespace).strip()


def known_places(schema: BaseSchema, **places: str) -> None:
    """Have every other request name something that is there, as random words never do."""

    @schema.hook
    def map_path_parameters(_context: Any, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        if not parameters or len(str(parameters)) % 2:
            return parameters
        return {name: places.get(name, value) for name, value in parameters.items()}


def known_notice(schema: BaseSchema) -> None:
    """Have every other body be a real notice."""

    @schema.hook
    def map_body(_context: Any, body: Any) -> Any:
        return inserted(RECORDING_KEY) if len(str(body)) % 2 else body


def ask_everything(schema: BaseSchema, token: str) -> set[str]:
    """Ask each operation well and badly, and check each answer; return the operations."""
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        ask(operation, token)
    return {operation.label for operation in operations}


def ask(operation: APIOperation, token: str) -> None:
    @BOUNDED
    @given(case=operation.as_strategy())
    def answers_as_promised(case: schemathesis.Case) -> None:
        unsaid = [positive_data_acceptance] if more_than_a_schema_can_say(case) else []
        # Documented, and true where a busy machine keeps the database from answering in time.
        allowed = [not_a_server_error] if case.path == "/readyz" else []
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(headers=headers, excluded_checks=[*unsaid, *allowed], timeout=300)

    answers_as_promised()


def more_than_a_schema_can_say(case: schemathesis.Case) -> bool:
    """Which windows a recording has, which pages a list, and whether a notice is about anything."""
    return case.path.startswith(("/signals/jit", "/webhooks")) or "cursor" in (case.query or {})


def answered_well(program: WebProcess) -> set[str]:
    """Return the operations that had a successful answer, as the program itself counted them."""
    exposition = requests.get(f"{program.url}/metrics", timeout=300).text
    every = (sample for family in text_string_to_metric_families(exposition) for sample in family.samples)
    counted = [s for s in every if s.name == "emg_http_answer_seconds_count" and s.labels["status"] == "2xx"]
    return {sample.labels["operation"] for sample in counted if sample.value}


def described(program: WebProcess) -> dict[str, str]:
    """Return each operation of the document: how schemathesis calls it → its own name."""
    document = requests.get(f"{program.url}/openapi.json", timeout=300).json()
    return {
        f"{method.upper()} {path}": operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def noticed(receiver: WebProcess) -> str:
    """Return the code of a session made by a notice."""
    headers = {"authorization": f"Bearer {KEY}"}
    answer = requests.post(f"{receiver.url}{UPLOAD}", json=inserted(RECORDING_KEY), headers=headers, timeout=300)
    return str(answer.json()["session_code"])


def test_the_receiver_answers_as_it_promises(api: ApiServer, env: dict[str, str], tmp_path: Path) -> None:
    account = api.account(NAMESPACE, "emg-receiver")
    with web_process("receiver", tmp_path / "receiver.log", env | {"KUBECONFIG": str(account)}) as receiver:
        schema = schemathesis.openapi.from_url(f"{receiver.url}/openapi.json")
        known_places(schema, sender="supabase", session_code=noticed(receiver))
        known_notice(schema)
        operations = described(receiver)
        assert ask_everything(schema, KEY) == operations.keys() - ITSELF
        assert answered_well(receiver) >= set(operations.values()) - UNCOUNTED
        assert [event for event in receiver.events() if event["level"] == "ERROR"] == []


def test_the_signals_api_answers_as_it_promises(
    api: ApiServer, env: dict[str, str], analysed: str, tmp_path: Path
) -> None:
    account = api.account(NAMESPACE, "emg-signals")
    with web_process("signals", tmp_path / "signals.log", env | {"KUBECONFIG": str(account)}) as signals:
        schema = schemathesis.openapi.from_url(f"{signals.url}/openapi.json")
        known_places(schema, session_id=analysed, channel_name="CH1", name="main.js")
        operations = described(signals)
        assert ask_everything(schema, clinicians_token(api)) == operations.keys() - ITSELF
        assert answered_well(signals) >= set(operations.values()) - UNCOUNTED
        assert [event for event in signals.events() if event["level"] == "ERROR"] == []
