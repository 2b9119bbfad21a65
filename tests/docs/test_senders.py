"""Every sender's page: its values set up a receiver that takes what this sender really sends, by way of the Ingress."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from emg_api.adapters.notice import Notice
from emg_api.adapters.table import SENDERS
from emg_api.refusals import NotSigned
from emg_api.senders import Sender, build_senders, parse_senders
from emg_local.notices import NOTICES
from emg_session.recordings import Buckets
from tests.cluster.machine import ROOT
from tests.support.charts import EXISTING, Manifest, merged, one, render, variables
from tests.support.senders import GOOGLE, GOOGLE_KEY, raw

PAGES = {path.stem: path.read_text() for path in (ROOT / "docs" / "senders").glob("*.md") if path.stem != "README"}
INGRESS = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/senders/README.md").read_text(), re.DOTALL)[0])
COMMAND = re.compile(r"^emg send .*--sender (\S+).*$", re.MULTILINE)
EMG = Path(sys.executable).with_name("emg")


@dataclass(frozen=True)
class Setup:
    """What a page's values make of the chart: the Ingress's path and the receiver's sender."""

    path: str
    sender: Sender
    key: str


def setup(name: str) -> Setup:
    """Render the chart with a page's values and read them as the receiver does."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGES[name], re.DOTALL)
    manifests = render(merged(EXISTING, {"senders": {"existingSecret": ""}}, INGRESS, yaml.safe_load(block)))
    options = variables(one(manifests, "Deployment", "emg-receiver")["spec"]["template"]["spec"]).get("EMG_SENDERS", "")
    keys = one(manifests, "Secret", "emg-senders")["stringData"]["EMG_WEBHOOK_SECRETS"]
    senders = build_senders(parse_senders(keys, options, Buckets({"recordings": "s3://recordings"})), GOOGLE.fetch)
    secret = GOOGLE_KEY if name == "gcs" else json.loads(keys)[name][0]
    return Setup(path=ingress_path(manifests), sender=senders[name], key=secret)


def ingress_path(manifests: list[Manifest]) -> str:
    rule = one(manifests, "Ingress", "emg-receiver")["spec"]["rules"][0]
    (path,) = rule["http"]["paths"]
    return str(path["path"])


def a_recording(folder: Path) -> Path:
    """Return a file to tell of: nothing in it is looked at."""
    path = folder / "one.c3d"
    path.write_bytes(b"recording")
    return path


class Gate(HTTPServer):
    """Keeps what is posted to it, as an Ingress that forwards it would."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[tuple[str, dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Gate

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b'{"success": true}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_every_sender_has_a_page_that_tries_each_of_its_forms() -> None:
    tried = {name: COMMAND.findall(page) for name, page in PAGES.items()}
    assert set(tried) == set(SENDERS)
    assert sorted(form for forms in tried.values() for form in forms) == sorted(NOTICES)


@pytest.mark.parametrize("name", sorted(SENDERS))
def test_what_the_pages_commands_post_gets_through_the_ingress_and_is_believed(
    gate: Gate, tmp_path: Path, name: str
) -> None:
    found, recording = setup(name), a_recording(tmp_path)
    env = {"PATH": f"{EMG.parent}{os.pathsep}{os.environ['PATH']}", "RECORDING": str(recording), "KEY": found.key}
    env |= {"RECEIVER": f"http://127.0.0.1:{gate.server_port}", "EMG_SENDERS": _google(found)}
    commands = re.findall(r"```sh\n(.*?)```", PAGES[name], re.DOTALL)[0]
    subprocess.run(["bash", "-euc", commands], env=env, check=True, capture_output=True, timeout=600)
    assert len(gate.posted) == len(COMMAND.findall(PAGES[name]))
    for path, headers, body in gate.posted:
        assert path.startswith(f"{found.path}/")
        (notice,) = asyncio.run(found.sender.adapter.read(raw(body, headers), datetime.now(UTC)))
        assert isinstance(notice, Notice)
        assert (notice.bucket, notice.key) == ("recordings", "P001/one.c3d")
        assert found.sender.sort_out(notice, Buckets({"recordings": "s3://recordings"})) == notice


def _google(found: Setup) -> str:
    options: Any = found.sender.options
    audience, emails = getattr(options, "audience", ""), getattr(options, "emails", ())
    return json.dumps({"gcs": {"audience": audience, "emails": emails}} if audience else {})


@pytest.mark.parametrize("name", sorted(set(SENDERS) - {"gcs"}))  # which has no key
def test_a_notice_with_another_key_is_not_believed(gate: Gate, tmp_path: Path, name: str) -> None:
    page = PAGES[name]
    other = "whsec_" + "b3RoZXI" * 5 + "=" if name == "standard" else "another-key"
    env = {"PATH": f"{EMG.parent}{os.pathsep}{os.environ['PATH']}", "RECORDING": str(a_recording(tmp_path))}
    env |= {"RECEIVER": f"http://127.0.0.1:{gate.server_port}", "KEY": other}
    command = COMMAND.search(page)
    assert command
    subprocess.run(["bash", "-euc", command[0]], env=env, check=True, capture_output=True, timeout=600)
    ((_, headers, body),) = gate.posted
    with pytest.raises(NotSigned):
        asyncio.run(setup(name).sender.adapter.read(raw(body, headers), datetime.now(UTC)))
