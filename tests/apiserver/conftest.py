"""The operator as a process with a real API server, database and storage; only the node is stood in for."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.resource import RecordingRef, SessionSpec, build_spec
from tests.support.api_server import ApiServer, running_api_server
from tests.support.operators import Operator
from tests.support.postgres import fresh_database, running_server
from tests.support.recordings import synthetic_recording
from tests.support.s3 import S3Server, serving_s3

_NUMBERS = itertools.count(1)
BUCKET = "recordings"


@dataclass(frozen=True, kw_only=True)
class Site:
    """One namespace with a database and a bucket of its own."""

    api: ApiServer
    namespace: str
    database_url: str
    s3: S3Server
    bucket: str
    folder: Path

    @property
    def uri(self) -> str:
        """Where recordings lie."""
        return f"s3://{self.bucket}"

    def upload(self, key: str, data: bytes) -> SessionSpec:
        """Put a recording into storage and return the spec of the session that a receiver would make of it."""
        version = self.s3.put(self.bucket, key, data)
        return build_spec(RecordingRef(uri=f"{self.uri}/{key}", version=version), key)

    def operator(self, name: str = "operator-0", **settings: str) -> Operator:
        """Return a replica that is not started yet, with the account and rights it has in a cluster."""
        env = {
            "EMG_NAMESPACE": self.namespace,
            "EMG_WORKER_IMAGE": "localhost/emg:test",
            "EMG_DATABASE_URL": self.database_url,
            "EMG_BUCKETS": json.dumps({BUCKET: self.uri}),
            "EMG_SWEEP_SECONDS": "0",
            **self.s3.env(),
        }
        account = self.api.account(self.namespace)
        return Operator(name, account, self.folder / f"{name}.log", env | settings)

    def reasons(self) -> dict[str, str]:
        """Return the one word of every session."""
        found = {}
        for session in self.api.items("emgsessions", self.namespace):
            conditions = {c["type"]: c["reason"] for c in session.get("status", {}).get("conditions", [])}
            found[session["metadata"]["name"]] = conditions.get("Succeeded", "")
        return found


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api_server(tmp_path_factory.mktemp("api-server") / "state") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serving_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()


@pytest.fixture
def site(
    api: ApiServer, postgres: Postgres, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    namespace = f"emg-{next(_NUMBERS)}"
    api.make_namespace(namespace)
    s3.make_bucket(namespace)
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    with fresh_database(postgres) as database_url:
        migrate.upgrade(database_url)
        yield Site(api=api, namespace=namespace, database_url=database_url, s3=s3, bucket=namespace, folder=tmp_path)
    api.kubectl("delete", "namespace", namespace, "--wait=false")
