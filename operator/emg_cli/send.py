"""`emg send`: what storage would post, for a receiver to be tried with."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from emg_api.settings import webhook_secrets
from emg_cli.output import print_json
from emg_local.webhook import WEBHOOK_PATH, UploadedObject, post_notice, supabase_notice
from emg_session.errors import InvalidSettings, RecordingNotThere
from emg_session.settings import required


def send(
    file: Path,
    *,
    to: str,
    sender: Literal["supabase"] = "supabase",
    bucket: str = "recordings",
    key: str | None = None,
    secret: str | None = None,
) -> None:
    """Post the notice a sender would post for a file, signed; uploads nothing.

    Parameters
    ----------
    file
        The recording; its size and hash go into the notice.
    to
        The receiver: its address, or the webhook's whole address.
    sender
        Whose payload and signature to make.
    bucket
        The bucket's name in the notice.
    key
        The object's key in the bucket; the file's name if absent.
    secret
        The key to sign with; the sender's first one in EMG_WEBHOOK_SECRETS if absent.
    """
    if not file.is_file():
        raise RecordingNotThere(f"{file} is no file: give the C3D file that was uploaded")
    uploaded = UploadedObject.of_file(file, bucket=bucket, key=key or file.name, modified_at=datetime.now(UTC))
    notice = supabase_notice(uploaded)
    print_json(asyncio.run(post_notice(_address(to), notice, secret or _secret(sender))))


def _address(to: str) -> str:
    return to if urlsplit(to).path.strip("/") else to.rstrip("/") + WEBHOOK_PATH


def _secret(sender: str) -> str:
    text = required(os.environ, "EMG_WEBHOOK_SECRETS", "the key to sign with, unless --secret does")
    keys = webhook_secrets(text).get(sender)
    if not keys:
        raise InvalidSettings(f"EMG_WEBHOOK_SECRETS has no key for {sender}: give one with --secret")
    return keys[0]
