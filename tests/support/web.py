"""What the tests of the web programs send, and a store that counts what they read."""

import hashlib
import hmac
from typing import Any

import httpx2
import msgspec

from emg_session.recordings import Buckets, RecordingStore, StoredBytes

KEYS = ["first-live-key", "second-live-key"]
UPLOAD = "/webhooks/storage/c3d-upload-optimized"
LEGACY_UPLOAD = "/webhooks/storage/c3d-upload"


class CountingRecordings(RecordingStore):
    """The real store; `reads` lists what was read: start and end, or nothing for a whole object."""

    def __init__(self, buckets: Buckets) -> None:
        super().__init__(buckets)
        self.reads: list[tuple[int, int] | None] = []

    async def read(self, uri: str, version: str | None = None) -> StoredBytes:
        self.reads.append(None)
        return await super().read(uri, version)

    async def read_range(self, uri: str, start: int, end: int, version: str | None = None) -> StoredBytes:
        self.reads.append((start, end))
        return await super().read_range(uri, start, end, version)


def inserted(key: str, *, bucket: str = "recordings", **metadata: Any) -> dict[str, Any]:
    """Return what Supabase posts when an object is uploaded."""
    record = {"id": "7f1c", "name": key, "bucket_id": bucket, "owner": None, "metadata": metadata or None}
    return {"type": "INSERT", "table": "objects", "schema": "storage", "record": record, "old_record": None}


def signed(body: bytes, key: str = KEYS[0]) -> dict[str, str]:
    """Return the headers that prove a body's origin."""
    return {"x-supabase-signature": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}


async def post(web: httpx2.AsyncClient, payload: Any, *, path: str = UPLOAD, key: str = KEYS[0]) -> httpx2.Response:
    """Post a signed notice."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return await web.post(path, content=body, headers=signed(body, key))
