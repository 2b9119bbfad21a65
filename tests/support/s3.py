"""A real S3 server on a folder: versitygw, whose subfolders are buckets."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import obstore
from obstore.store import S3Store

from tests.cluster.machine import BIN, run
from tests.cluster.parts import go_is_here, s3_server
from tests.support.needs import require

ACCESS_KEY, SECRET_KEY, REGION = "emg-test-key", "emg-test-secret", "us-east-1"
_START_SECONDS = 120.0
_PORTS = [*range(20_000, 30_000)]


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    endpoint: str
    folder: Path

    def env(self) -> dict[str, str]:
        """Return what programs need in their environment to read from it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
        }

    def make_account(self, access_key: str, secret_key: str) -> None:
        """Make a key beside ours that opens every bucket."""
        self._administer("create-user", f"--access={access_key}", f"--secret={secret_key}", "--role=admin")

    def end_account(self, access_key: str) -> None:
        """Have a key open nothing any more."""
        self._administer("delete-user", f"--access={access_key}")

    def _administer(self, command: str, *arguments: str) -> None:
        us = (f"--access={ACCESS_KEY}", f"--secret={SECRET_KEY}", f"--endpoint-url={self.endpoint}")
        run(BIN / "versitygw", "admin", *us, command, *arguments)

    def make_bucket(self, name: str) -> None:
        """Make a bucket unless it is there."""
        (self.folder / name).mkdir(exist_ok=True)

    def put(self, bucket: str, key: str, data: bytes) -> str:
        """Upload an object and return its version."""
        answer = httpx2.put(self.upload_address(bucket, key), content=data)
        answer.raise_for_status()
        version: str = answer.headers["etag"].strip('"')
        return version

    def upload_address(self, bucket: str, key: str) -> str:
        """Return a signed address to which whoever has it may put the object."""
        store = S3Store(
            bucket,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
        )
        return obstore.sign(store, "PUT", key, timedelta(minutes=5))


@contextmanager
def serving_s3(folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[S3Server]:
    """Serve a folder while the block runs, on a free port where none is named."""
    require_s3_server()
    port = port or free_port(host)
    keys = ["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION]
    accounts = folder.with_name(f"{folder.name}-accounts")
    accounts.mkdir(exist_ok=True)
    keys += ["--iam-dir", str(accounts), "--iam-cache-disable"]
    command = [str(BIN / "versitygw"), "--quiet", *keys, "--port", f"{host}:{port}", "posix", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_until_listening(server, host, port)
            yield S3Server(f"http://{host}:{port}", folder)
        finally:
            server.terminate()


def require_s3_server() -> None:
    """Build the server where it is not built yet: a minute, once."""
    require((BIN / "versitygw").exists() or go_is_here(), "no S3 server: install Go 1.26, which builds it once")
    if go_is_here():
        s3_server().build()


def free_port(host: str) -> int:
    """Return a port that nobody listens on, another one each time.

    It lies below those that Linux gives to outgoing connections: one of them may have it before the server does.
    """
    while True:
        port = secrets.choice(_PORTS)
        _PORTS.remove(port)
        with suppress(OSError), socket.create_server((host, port)):
            return port


def _wait_until_listening(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"the S3 server does not listen on {host}:{port}; it ended with {server.poll()}")
