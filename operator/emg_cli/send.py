"""`emg send`: what storage would post, for a receiver to be tried with."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from cyclopts import Parameter

from emg_api.adapters.gcs import GcsOptions
from emg_cli.output import print_json
from emg_local.notices import NOTICES, Credentials
from emg_local.uploads import UploadedObject
from emg_local.webhook import post_notice
from emg_session.errors import InvalidSettings, RecordingNotThere
from emg_session.settings import json_setting, required

_EXAMPLE = '{"supabase": ["a long random key"]}'

SenderName = Literal[
    "supabase",
    "supabase.storage-api",
    "s3",
    "s3.eventbridge",
    "minio",
    "gcs",
    "azure",
    "azure.cloudevents",
    "cloudevents",
    "cloudevents.binary",
    "standard",
]


def send(
    file: Path,
    *,
    to: str,
    sender: SenderName = "supabase",
    bucket: str = "recordings",
    key: str | None = None,
    secret: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
) -> None:
    """Post the notice a sender would post for a file, signed; uploads nothing.

    Parameters
    ----------
    file
        The recording; its size and hash go into the notice.
    to
        The receiver: its address, or the webhook's whole address.
    sender
        Whose payload and signature to make; after a dot, in which of its forms.
    bucket
        The bucket's name in the notice.
    key
        The object's key in the bucket; the file's name if absent.
    secret
        The key to sign with; the sender's first one in EMG_WEBHOOK_SECRETS if absent. For gcs an RSA key in PEM.
    """
    if not file.is_file():
        raise RecordingNotThere(f"{file} is no file: give the C3D file that was uploaded")
    now = datetime.now(UTC)
    uploaded = UploadedObject.of_file(file, bucket=bucket, key=key or file.name, modified_at=now)
    name = sender.partition(".")[0]
    posting = NOTICES[sender](
        uploaded, Credentials(secret=secret or signing_secret(name), google=google_options()), now
    )
    print_json(asyncio.run(post_notice(_address(to, posting.path), posting)))


def _address(to: str, path: str) -> str:
    if urlsplit(to).scheme not in ("http", "https"):
        raise InvalidSettings(f"{to} is no address to post to: it begins with http:// or https://")
    return to if urlsplit(to).path.strip("/") else to.rstrip("/") + path


def signing_secret(name: str) -> str:
    """Return a sender's first key in EMG_WEBHOOK_SECRETS; raises InvalidSettings."""
    text = required(os.environ, "EMG_WEBHOOK_SECRETS", "the key to sign with, unless --secret does")
    keys = json_setting(text, dict[str, tuple[str, ...]], "EMG_WEBHOOK_SECRETS", _EXAMPLE).get(name)
    if not keys:
        raise InvalidSettings(f"EMG_WEBHOOK_SECRETS has no key for {name}: give one with --secret")
    return keys[0]


def google_options() -> GcsOptions:
    """Read whose tokens of Google's the receiver believes, where that is set."""
    options = json_setting(os.environ.get("EMG_SENDERS") or "{}", dict[str, msgspec.Raw], "EMG_SENDERS", "{}")
    return json_setting(bytes(options.get("gcs", b"{}")).decode(), GcsOptions, "EMG_SENDERS of gcs", "{}")
