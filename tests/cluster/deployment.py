"""Every program of ours on the node, with a real PostgreSQL and a real S3 server beside it."""

import hashlib
import hmac
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg
from psycopg.sql import SQL, Identifier

from emg_local.embedded import embedded_programs
from emg_local.postgres import Postgres
from emg_session.recordings import plain_version
from emg_session.resource import RecordingRef
from tests.cluster.charts import IMAGE_VALUES, install, make_namespace
from tests.cluster.machine import NODE_IP, ROOT, inside, kubectl, node_network, output, run, started_inside
from tests.cluster.node import down, load, stop_pods
from tests.cluster.parts import debian_is_here, go_is_here
from tests.support.needs import require
from tests.support.s3 import S3Server, serving_s3

NAMESPACE = "emg"
BUCKET = "recordings"
_WEBHOOK_KEY = "a-key-for-tests"
_READERS = Path(__file__).with_name("readers.yaml")
DATABASE_PORT, S3_PORT = 5432, 9000
# The sweep is quick, so that tests need not wait; its replicas are few, as they share two processors.
VALUES: dict[str, Any] = {
    **IMAGE_VALUES,
    "buckets": {BUCKET: f"s3://{BUCKET}"},
    "database": {"existingSecret": "emg-settings"},
    "storage": {"existingSecret": "emg-settings"},
    "senders": {"existingSecret": "emg-webhook-secrets"},
    "operator": {"sweepSeconds": 5, "sweepSettleSeconds": 30, "troubleGraceSeconds": 5},
    "receiver": {"replicas": 1},
    "signals": {"replicas": 1},
}
_ANSWER_SECONDS = 300  # busy machines are no failure


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The running system as its users see it: storage, webhook, signals, kubectl and SQL."""

    s3: S3Server
    database_url: str

    def upload(self, key: str, data: bytes, *, bucket: str = BUCKET) -> RecordingRef:
        """Put a recording into storage and return what names it."""
        address = self.s3.upload_address(bucket, key)
        with node_network():
            answer = httpx2.put(address, content=data, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
        version = plain_version(answer.headers["etag"])
        return RecordingRef(uri=f"s3://{bucket}/{key}", version=version, size_bytes=len(data))

    def notify(self, key: str) -> httpx2.Response:
        """Post what Supabase posts for a new object, signed."""
        record = {"name": key, "bucket_id": BUCKET}
        body = json.dumps({"type": "INSERT", "schema": "storage", "table": "objects", "record": record}).encode()
        signature = hmac.new(_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-supabase-signature": signature}
        url = f"{service_url('emg-receiver')}/webhooks/storage/c3d-upload-optimized"
        with _client() as client:
            return client.post(url, content=body, headers=headers)

    def signals(self, path: str, **query: str | float) -> Any:
        """Return the signals API's answer to somebody who may see every session."""
        answer = self.signals_as("clinician", f"/signals/{path}", **query)
        answer.raise_for_status()
        return answer.json()

    def signals_as(self, account: str, path: str, *, place: str = NAMESPACE, **query: str | float) -> httpx2.Response:
        """Ask the signals API of a namespace with the token of a service account of ours."""
        token = cluster("create", "token", account, "--audience=emg-signals").strip()
        headers = {"authorization": f"Bearer {token}"}
        with _client() as client:
            return client.get(f"{service_url('emg-signals', place)}{path}", params=query, headers=headers)

    def make_database(self, name: str) -> str:
        """Make an empty database on the same server and return its address."""
        with node_network(), psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))

    def query(self, sql: str, **values: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with node_network(), psycopg.connect(self.database_url) as connection:
            return connection.execute(sql.encode(), values).fetchall()


@contextmanager
def outage(port: int) -> Iterator[None]:
    """Have nobody reach a server of the node while the block runs: connections are refused, and broken."""
    rule = f"tcp dport {port} reject with tcp reset"
    run(
        *inside("nft", "-f", "-"),
        stdin=f"table inet outage {{\n chain input {{\n type filter hook input priority 0;\n {rule}\n }}\n}}\n",
    )
    try:
        yield
    finally:
        run(*inside("nft", "delete", "table", "inet", "outage"))


@contextmanager
def results_locked(deployment: Deployment) -> Iterator[None]:
    """Have every worker wait before it stores, while the block runs; whoever reads is let be."""
    with node_network():
        connection = psycopg.connect(deployment.database_url)
    with connection:
        connection.execute("LOCK TABLE analysis_results IN EXCLUSIVE MODE")
        yield


def require_node() -> None:
    """Skip a whole module where this machine can't be a node."""
    able = os.geteuid() == 0 and debian_is_here() and go_is_here()
    require(able, "no cluster suite: a Kubernetes node needs root, Debian and Go 1.26")


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Start the node, storage, database and all programs; stop them at the end, whatever happened."""
    try:
        # A program of its own, so that what it starts is not ours to wait for.
        run(sys.executable, "-m", "tests.cluster.node", "up", cwd=ROOT)
        for archive in make_images():
            load(archive)
        with _storage(folder) as s3, _database() as database_url:
            deployment = Deployment(s3=s3, database_url=database_url)
            with ExitStack() as unless_installed:
                unless_installed.callback(lambda: sys.stderr.write(diagnosis()))
                _install(deployment)
                unless_installed.pop_all()
            yield deployment
            stop_pods()  # they end sooner while their database is there
    finally:
        down()


def make_images() -> list[Path]:
    """Build the images from the checkout as it is: the try-out's, and that of all programs."""
    return [Path(line) for line in run("make", "--silent", "image", cwd=ROOT).splitlines()[-2:]]


def cluster(*arguments: str | Path, stdin: str = "") -> str:
    """Run kubectl in our namespace and return what it prints."""
    return run(*kubectl("--namespace", NAMESPACE, *arguments), stdin=stdin)


def sessions_of(subject: str) -> list[dict[str, Any]]:
    """Return the sessions of subjects that start so."""
    sessions = json.loads(cluster("get", "emgsessions", "-o", "json"))["items"]
    return [session for session in sessions if session["spec"].get("subject", "").startswith(subject)]


def reasons(subject: str) -> Counter[str]:
    """Return how many sessions of subjects that start so are where."""
    conditions = (c for s in sessions_of(subject) for c in s.get("status", {}).get("conditions", []))
    return Counter(c["reason"] for c in conditions if c["type"] == "Succeeded")


def service_url(name: str, place: str = NAMESPACE) -> str:
    """Return the address of a Service inside the cluster."""
    return f"http://{run(*kubectl('--namespace', place, 'get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}'))}"


@contextmanager
def _client() -> Iterator[httpx2.Client]:
    """Connect from the node; a Service reaches a pod only a moment after the pod is ready, hence the retries."""
    with node_network(), httpx2.Client(transport=httpx2.HTTPTransport(retries=5), timeout=_ANSWER_SECONDS) as client:
        yield client


def diagnosis() -> str:
    """Return what one would look at first when something is wrong."""
    looks = (
        ("get", "emgsessions,deployments,jobs,pods", "-o", "wide"),
        ("get", "events", "--sort-by=.lastTimestamp"),
        ("get", "emgsessions", "-o", "yaml"),
        ("logs", "--selector=app.kubernetes.io/name", "--all-containers", "--prefix", "--tail=60"),
        ("logs", "--selector=emg.ghostly/session", "--prefix", "--tail=20"),
    )
    return "\n\n".join(f"$ kubectl {' '.join(look)}\n{output(*kubectl('-n', NAMESPACE, *look))}" for look in looks)


def _install(deployment: Deployment) -> None:
    make_namespace(NAMESPACE)
    cluster("apply", "-f", "-", stdin=json.dumps(secrets(deployment)))
    install(NAMESPACE, NAMESPACE, VALUES)
    cluster("apply", "-f", _READERS)


def secrets(deployment: Deployment, **changes: str) -> dict[str, Any]:
    """Build the settings of all programs, and of the receiver alone what senders sign with."""
    settings = {"EMG_DATABASE_URL": deployment.database_url, **deployment.s3.env(), **changes}
    webhooks = {"EMG_WEBHOOK_SECRETS": json.dumps({"supabase": [_WEBHOOK_KEY]})}
    secrets = [_secret("emg-settings", settings), _secret("emg-webhook-secrets", webhooks)]
    return {"apiVersion": "v1", "kind": "List", "items": secrets}


def _secret(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(values)}


@contextmanager
def _storage(folder: Path) -> Iterator[S3Server]:
    with started_inside(serving_s3(folder, host=NODE_IP, port=S3_PORT)) as server:
        server.make_bucket(BUCKET)
        yield server


@contextmanager
def _database() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="emg-database-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user
        server = Postgres(
            programs=embedded_programs(),
            data=Path(folder, "data"),
            listen=NODE_IP,
            port=DATABASE_PORT,
            networks=["10.0.0.0/8"],
        )
        with started_inside(server):
            yield server.url_at(NODE_IP)
