"""Standard Webhooks: the format for senders that people write themselves. Source: github.com/standard-webhooks, v1.

Signed is `{id}.{timestamp}.{body}`, by a shared key (`v1`, HMAC-SHA256) or a private one (`v1a`, Ed25519). Several
signatures in one request are a key that is being replaced.
"""

import binascii
import hmac
import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from emg_api.adapters.decoding import SizeBytes, Text, Word, decoded
from emg_api.adapters.notice import Arrival, Because, Ignored, Notice
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.request import RawRequest
from emg_api.adapters.signatures import from_base64, verify_age
from emg_api.refusals import NotSigned
from emg_session.errors import InvalidSettings
from emg_session.recordings import plain_version

SHARED_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
CREATED = "recording.created"

_WINDOW_S = 300.0
_MOST_SIGNATURES = 16
_LEAST_KEY_BYTES = 24  # the specification's bound
_ID = re.compile(r"[!-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_COUNT = re.compile(r"[0-9a-z]{1,40}")


class ToldObject(msgspec.Struct, frozen=True):
    """A new object; `version` is the ETag that storage gives it, `sequence` grows with its versions."""

    bucket: Text
    key: Text
    version: Word = ""
    size_bytes: SizeBytes | None = None
    sequence: Word = ""


class _Event(msgspec.Struct, frozen=True):
    type: Word
    data: msgspec.Raw


@dataclass(frozen=True, kw_only=True)
class Standard:
    """Verifies by shared and by public keys."""

    shared: tuple[bytes, ...] = field(repr=False)
    public: tuple[Ed25519PublicKey, ...] = ()

    async def read(self, request: RawRequest, now: datetime) -> list[Arrival]:
        """Verify and parse one request."""
        delivery = self._verify(request, now)
        event = decoded(request.body, _Event)
        if event.type != CREATED:
            return [Ignored(Because.NOT_NEW, f"{event.type} is no new recording: that is {CREATED}")]
        return [told_notice(decoded(event.data, ToldObject), delivery)]

    def _verify(self, request: RawRequest, now: datetime) -> str:
        """Return the delivery's id."""
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        delivery, timestamp, signatures = (request.header(name) or "" for name in names)
        if not (_ID.fullmatch(delivery) and _TIMESTAMP.fullmatch(timestamp)):
            raise NotSigned("webhook-id or webhook-timestamp is missing or malformed")
        signed = f"{delivery}.{timestamp}.".encode() + request.body
        matches = [self._matches(signature, signed) for signature in signatures.split(" ")[:_MOST_SIGNATURES]]
        if not any(matches):
            raise NotSigned("no live key makes any of the signatures in webhook-signature")
        verify_age(now.timestamp() - int(timestamp), most_s=_WINDOW_S, future_s=_WINDOW_S)
        return delivery

    def _matches(self, signature: str, signed: bytes) -> bool:
        """Whether a live key makes a signature; what is no signature matches nothing, and the next one may."""
        version, _, text = signature.partition(",")
        try:
            value = from_base64(text)
        except NotSigned:
            return False
        match version:
            case "v1":
                matches = [_is_authentic(key, value, signed) for key in self.shared]
            case "v1a":
                matches = [_is_signed(key, value, signed) for key in self.public]
            case _:
                matches = []
        return any(matches)


def build(keys: tuple[str, ...], options: SenderOptions, fetch: Fetch) -> Standard:  # noqa: ARG001 - nothing else is needed
    """Build the adapter; raises InvalidSettings for a key that is none."""
    return Standard(
        shared=tuple(_shared_key(key) for key in keys if not key.startswith(PUBLIC_PREFIX)),
        public=tuple(_public_key(key) for key in keys if key.startswith(PUBLIC_PREFIX)),
    )


def told_notice(told: ToldObject, delivery: str) -> Notice:
    """Return the notice about an object in our own format."""
    return Notice(
        bucket=told.bucket,
        key=told.key,
        version=plain_version(told.version) or None,
        size_bytes=told.size_bytes,
        sequence=("standard", told.sequence) if _COUNT.fullmatch(told.sequence) else None,
        delivery=delivery,
    )


def _shared_key(key: str) -> bytes:
    material = _key_bytes(key, SHARED_PREFIX)
    if len(material) < _LEAST_KEY_BYTES:
        raise InvalidSettings(f"EMG_WEBHOOK_SECRETS: a key of standard has less than {_LEAST_KEY_BYTES} bytes")
    return material


def _public_key(key: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_key_bytes(key, PUBLIC_PREFIX))
    except ValueError as error:
        raise InvalidSettings("EMG_WEBHOOK_SECRETS: a whpk_ key of standard is no Ed25519 key of 32 bytes") from error


def _key_bytes(key: str, prefix: str) -> bytes:
    try:
        if not key.startswith(prefix):
            raise InvalidSettings("EMG_WEBHOOK_SECRETS: a key of standard starts with whsec_ or whpk_")
        return b64decode(key.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSettings(
            f"EMG_WEBHOOK_SECRETS: what follows {prefix} in a key of standard is not base64"
        ) from error


def _is_authentic(key: bytes, signature: bytes, signed: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(key, signed, "sha256"), signature)


def _is_signed(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
