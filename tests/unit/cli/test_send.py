"""`emg send` against whatever listens: what it posts and where."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from emg_api.adapters.notice import Notice
from emg_cli.send import send
from emg_local.webhook import NoticeRefused
from emg_session.errors import InvalidSettings
from tests.support.senders import GOOGLE_KEY, OPTIONS, SECRETS, adapter, raw


class Listener(HTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 202


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"success": true}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setenv("EMG_WEBHOOK_SECRETS", json.dumps(SECRETS))
    monkeypatch.setenv("EMG_SENDERS", json.dumps(OPTIONS))
    with Listener() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "one.c3d").write_bytes(b"recording")
    return tmp_path / "one.c3d"


def to(listener: Listener) -> str:
    return f"http://127.0.0.1:{listener.server_port}"


@pytest.mark.parametrize("sender", ["minio", "azure.cloudevents", "s3.eventbridge"])
def test_a_senders_notice_is_posted_to_its_address_with_its_key(listener: Listener, recording: Path, sender) -> None:
    send(recording, to=to(listener), sender=sender, key="P001/one.c3d")

    ((path, headers, _),) = listener.posted
    name = sender.partition(".")[0]
    assert (path, headers["Authorization"]) == (f"/webhooks/{name}", f"Bearer {SECRETS[name][0]}")


def test_googles_notice_is_signed_for_whom_the_receiver_believes(listener: Listener, recording: Path) -> None:
    send(recording, to=to(listener), sender="gcs", secret=GOOGLE_KEY)

    ((_, headers, body),) = listener.posted
    (notice,) = asyncio.run(adapter("gcs").read(raw(body, headers), datetime.now(UTC)))
    assert isinstance(notice, Notice)
    assert (notice.key, notice.size_bytes) == ("one.c3d", 9)


def test_a_whole_address_is_left_as_it_is(listener: Listener, recording: Path) -> None:
    send(recording, to=f"{to(listener)}/webhooks/storage/c3d-upload")

    assert listener.posted[0][0] == "/webhooks/storage/c3d-upload"


def test_a_notice_that_is_refused_says_so(listener: Listener, recording: Path) -> None:
    listener.status = 401
    with pytest.raises(NoticeRefused, match="the receiver answered 401"):
        send(recording, to=to(listener))


def test_without_a_key_a_notice_is_not_made(listener: Listener, recording: Path, monkeypatch) -> None:
    monkeypatch.setenv("EMG_WEBHOOK_SECRETS", '{"minio": ["k"]}')
    with pytest.raises(InvalidSettings, match="EMG_WEBHOOK_SECRETS has no key for standard"):
        send(recording, to=to(listener), sender="standard")
