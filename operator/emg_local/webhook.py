"""What Supabase posts when a recording was uploaded: the same payload, signed the same way."""

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp

from emg_session.errors import PermanentFailure, TransientFailure

WEBHOOK_PATH = "/webhooks/storage/c3d-upload-optimized"
_SECONDS_FOR_AN_ANSWER = 30.0


class NoticeRefused(PermanentFailure):
    """The receiver does not take the notice."""


class ReceiverUnavailable(TransientFailure):
    """The receiver does not answer."""


@dataclass(frozen=True, kw_only=True)
class UploadedObject:
    """What storage knows of an object."""

    bucket: str
    key: str
    size_bytes: int
    md5: str
    modified_at: datetime

    @classmethod
    def of_file(cls, path: Path, *, bucket: str, key: str, modified_at: datetime) -> "UploadedObject":
        """Describe a file as if it had been uploaded."""
        data = path.read_bytes()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return cls(bucket=bucket, key=key, size_bytes=len(data), md5=md5, modified_at=modified_at)


def supabase_notice(uploaded: UploadedObject) -> bytes:
    """Build the body of a database webhook on storage.objects."""
    return json.dumps(
        {"type": "INSERT", "table": "objects", "schema": "storage", "record": _record(uploaded), "old_record": None}
    ).encode()


def signed_headers(body: bytes, secret: str) -> dict[str, str]:
    """Return the headers of a signed notice."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Supabase-Signature": f"sha256={digest}"}


async def post_notice(url: str, body: bytes, secret: str) -> dict[str, Any]:
    """Post a signed notice and return the answer; raises NoticeRefused, ReceiverUnavailable."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS_FOR_AN_ANSWER)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(url, data=body, headers=signed_headers(body, secret)) as response,
        ):
            return _answer(response.status, await response.read())
    except aiohttp.InvalidURL as error:
        raise NoticeRefused(f"{url} is no address to post to: try http://127.0.0.1:8080") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ReceiverUnavailable(
            f"{url} does not answer ({type(error).__name__}); is the receiver running?"
        ) from error


def _answer(status: int, body: bytes) -> dict[str, Any]:
    if status >= 500:  # noqa: PLR2004 - HTTP's own number
        raise ReceiverUnavailable(f"the receiver answered {status}: {_excerpt(body)}")
    if status >= 300:  # noqa: PLR2004 - HTTP's own number
        raise NoticeRefused(f"the receiver answered {status}: {_excerpt(body)}")
    answer: dict[str, Any] = json.loads(body)
    return answer


def _excerpt(body: bytes) -> str:
    return " ".join(body[:300].decode(errors="replace").split())


def _record(uploaded: UploadedObject) -> dict[str, Any]:
    when = uploaded.modified_at.isoformat()
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{uploaded.bucket}/{uploaded.key}")),
        "name": uploaded.key,
        "owner": None,
        "version": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{uploaded.bucket}/{uploaded.key}#{uploaded.md5}")),
        "metadata": {
            "eTag": f'"{uploaded.md5}"',
            "size": uploaded.size_bytes,
            "mimetype": "application/octet-stream",
            "cacheControl": "max-age=3600",
            "lastModified": when,
            "contentLength": uploaded.size_bytes,
            "httpStatusCode": 200,
        },
        "owner_id": None,
        "bucket_id": uploaded.bucket,
        "created_at": when,
        "updated_at": when,
        "path_tokens": list(PurePosixPath(uploaded.key).parts),
        "user_metadata": None,
        "last_accessed_at": when,
    }
