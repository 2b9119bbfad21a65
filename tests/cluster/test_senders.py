"""Every sender's page to the letter: its notices reach the receiver through an Ingress, and become sessions."""

import json
import re
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
import yaml

from emg_local.notices import NOTICES
from tests.cluster.charts import IMAGE_VALUES, install, namespace
from tests.cluster.deployment import BUCKET, Deployment, require_node
from tests.cluster.ingress_controller import serving_ingresses
from tests.cluster.machine import NODE_IP, ROOT, STATE, inside, kubectl, node_network, run
from tests.cluster.pki import Identity, make_certificate
from tests.support.charts import merged
from tests.support.recordings import synthetic_recording
from tests.support.senders import GOOGLE_KEY, key_set
from tests.support.waiting import wait_until

require_node()

PLACE, HOST = "senders", "hooks.example.org"
KEYS_PORT = 8443
PAGES = {path.stem: path.read_text() for path in (ROOT / "docs/senders").glob("*.md")}
COMMANDS = [line for page in PAGES.values() for line in re.findall(r"^emg send .*$", page, re.MULTILINE)]
FORM = re.compile(r"--sender (\S+)")
EMG = Path(sys.executable).parent


def page_values(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGES[name], re.DOTALL)[0])
    return values


# Google's keys are ours, which `jwks` is for; all else stands on the pages.
VALUES = merged(
    IMAGE_VALUES,
    {"buckets": {BUCKET: f"s3://{PLACE}"}},
    {"database": {"existingSecret": "settings"}, "storage": {"existingSecret": "settings"}},
    {part: {"replicas": 1} for part in ("operator", "receiver", "signals")},
    *(page_values(name) for name in sorted(PAGES)),
    {"senders": {"options": {"gcs": {"jwks": f"https://{NODE_IP}:{KEYS_PORT}/certs"}}}},
)
_ASK = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
TRUST = {
    "volumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
    "containers": [
        {
            "name": "receiver",
            "env": [{"name": "SSL_CERT_FILE", "value": "/authorities/ca.crt"}],
            "volumeMounts": [{"name": "authorities", "mountPath": "/authorities"}],
        }
    ],
}


@dataclass(frozen=True)
class Outside:
    """Somebody outside the cluster who knows the receiver by its name alone."""

    hosts: Path
    recording: Path

    def shell(self, command: str, **env: str) -> str:
        """Run a line where HOST is the ingress controller's, whose certificate is trusted."""
        script = f"mount --bind {self.hosts} /etc/hosts; export PATH={EMG}:$PATH; {command}"
        trusted = {"SSL_CERT_FILE": f"{STATE}/pki/ca.crt", "RECEIVER": f"https://{HOST}"}
        return run(*inside("unshare", "--mount", "bash", "-euc", script), env=trusted | env)

    def post(self, command: str) -> dict[str, Any]:
        """Run a page's command for an object of its form's own."""
        form = form_of(command)
        senders = VALUES["senders"]
        key = GOOGLE_KEY if form == "gcs" else senders["keys"][form.partition(".")[0]][0]
        env = {"RECORDING": str(self.recording), "KEY": key, "EMG_SENDERS": json.dumps(senders["options"])}
        answer: dict[str, Any] = json.loads(self.shell(command.replace("P001/", f"{form}/"), **env))
        return answer

    def ask(self, path: str) -> int:
        """Return the status that a GET is answered with."""
        return int(self.shell(f"python -c {quote(_ASK)} https://{HOST}{path}"))


def form_of(command: str) -> str:
    found = FORM.search(command)
    assert found
    return found[1]


@contextmanager
def serving_keys(folder: Path) -> Iterator[None]:
    """Serve a key set by TLS, as Google does."""
    make_certificate(folder, Identity("keys", f"/CN={NODE_IP}", usage="serverAuth", names=(f"IP:{NODE_IP}",)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "keys.crt", folder / "keys.key")
    with node_network():
        server = ThreadingHTTPServer((NODE_IP, KEYS_PORT), _Keys)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(key_set(GOOGLE_KEY))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def in_place(*arguments: str | Path, stdin: str = "") -> str:
    return run(*kubectl("--namespace", PLACE, *arguments), stdin=stdin)


@pytest.fixture(scope="module")
def outside(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """A release as the pages set it up, behind an ingress controller with the host's certificate."""
    folder, pki = tmp_path_factory.mktemp("outside"), STATE / "pki"
    make_certificate(pki, Identity("hooks", f"/CN={HOST}", usage="serverAuth", names=(f"DNS:{HOST}",)))
    with ExitStack() as stack:
        stack.enter_context(namespace(PLACE))
        deployment.s3.make_bucket(PLACE)
        settings = {"EMG_DATABASE_URL": deployment.make_database(PLACE), **deployment.s3.env()}
        in_place("create", "secret", "generic", "settings", *(f"--from-literal={k}={v}" for k, v in settings.items()))
        in_place("create", "secret", "tls", "hooks-tls", f"--cert={pki}/hooks.crt", f"--key={pki}/hooks.key")
        in_place("create", "configmap", "authorities", f"--from-file={pki}/ca.crt")
        stack.enter_context(serving_keys(pki))
        install("emg", PLACE, VALUES)
        in_place("patch", "deployment/emg-receiver", "--patch", json.dumps({"spec": {"template": {"spec": TRUST}}}))
        in_place("rollout", "status", "deployment/emg-receiver", "--timeout=600s")
        stack.enter_context(serving_ingresses())
        (folder / "hosts").write_text(f"{NODE_IP} {HOST}\n")
        yield Outside(folder / "hosts", synthetic_recording(folder))


def words() -> list[str]:
    """Return the one word of every session."""
    template = r'{range .items[*]}{.status.conditions[?(@.type=="Succeeded")].reason}{"\n"}{end}'
    return in_place("get", "emgsessions", "-o", f"jsonpath={template}").split()


def test_the_pages_post_every_form_of_every_sender() -> None:
    assert sorted(form_of(command) for command in COMMANDS) == sorted(NOTICES)


def test_what_every_sender_posts_through_the_ingress_becomes_a_session_and_is_analysed(
    deployment: Deployment, outside: Outside
) -> None:
    for command in COMMANDS:
        deployment.upload(f"{form_of(command)}/one.c3d", outside.recording.read_bytes(), bucket=PLACE)
    answers = {form_of(command): outside.post(command) for command in COMMANDS}
    assert {form for form, answer in answers.items() if answer.get("created")} == set(NOTICES)
    assert len({answer["session_code"] for answer in answers.values()}) == len(NOTICES)
    wait_until(lambda: words() == ["Completed"] * len(NOTICES), "all are analysed")


def test_of_the_receiver_only_webhooks_and_the_status_below_them_are_forwarded(outside: Outside) -> None:
    session = in_place("get", "emgsessions", "-o", "jsonpath={.items[0].metadata.name}")
    assert outside.ask(f"/webhooks/storage/status/{session}") == 200
    assert {path: outside.ask(path) for path in ("/metrics", "/livez", "/openapi.json", "/")} == dict.fromkeys(
        ("/metrics", "/livez", "/openapi.json", "/"), 404
    )


def test_a_notice_with_another_key_is_refused_through_the_ingress(outside: Outside) -> None:
    command = next(command for command in COMMANDS if form_of(command) == "minio")
    refused = outside.shell(f"{command} 2>&1 || true", RECORDING=str(outside.recording), KEY="another-key")
    assert "the receiver answered 401" in refused
