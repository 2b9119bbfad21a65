"""Google Cloud Storage, through a push subscription of Pub/Sub with an identity token (OIDC).

Source: cloud.google.com/pubsub/docs/authenticate-push-subscriptions. The generation orders an object's versions.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import msgspec

from emg_api.access.oidc import Provider, ProviderKeys
from emg_api.adapters.decoding import Text, Word, decoded, plain_bytes
from emg_api.adapters.notice import Arrival, Because, Ignored, Notice
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.request import RawRequest
from emg_api.adapters.tokens import Expected, verify_token
from emg_api.refusals import NotSigned, WrongShape
from emg_session.errors import InvalidSettings
from emg_session.resource import MOST_SIZE_BYTES

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_KEYS = "https://www.googleapis.com/oauth2/v3/certs"
_FINALIZED = "OBJECT_FINALIZE"


class GcsOptions(SenderOptions, frozen=True, kw_only=True):
    """Besides what all senders have: whose tokens are believed, and for whom they must be made."""

    audience: str = ""
    emails: tuple[str, ...] = ()
    jwks: str = _KEYS


class _Attributes(msgspec.Struct, frozen=True, rename="camel"):
    event_type: Word = ""
    bucket_id: Text | None = None
    object_id: Text | None = None
    object_generation: Word = ""


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    message_id: Word
    attributes: _Attributes = _Attributes()
    data: str = ""


class _Push(msgspec.Struct, frozen=True):
    message: _Message


class StoredObject(msgspec.Struct, frozen=True, rename="camel"):
    """An object as the JSON API shows it: numbers are text there, and the hash of the bytes is in base64."""

    bucket: Text
    name: Text
    generation: Word = ""
    size: Word | int | None = None
    md5_hash: Word | None = None


@dataclass(frozen=True, kw_only=True)
class Gcs:
    """Verifies the token of the subscription's service account."""

    expected: Expected
    keys: ProviderKeys

    async def read(self, request: RawRequest, now: datetime) -> list[Arrival]:
        """Verify and parse one request."""
        token = request.bearer()
        if not token:
            raise NotSigned("the request has no token: enable authentication on the push subscription")
        await verify_token(token, self.expected, self.keys, now)
        message = decoded(request.body, _Push).message
        if message.attributes.event_type != _FINALIZED:
            return [Ignored(Because.NOT_NEW, f"{message.attributes.event_type or 'it'} is no new object")]
        return [_notice(message)]


def build(keys: tuple[str, ...], options: GcsOptions, fetch: Fetch) -> Gcs:
    """Build the adapter; raises InvalidSettings where it could believe nobody."""
    if keys:
        raise InvalidSettings("EMG_WEBHOOK_SECRETS has keys for gcs, which proves itself by tokens: remove them")
    for name, value in (("audience", options.audience), ("emails", options.emails)):
        if not value:
            raise InvalidSettings(
                f"EMG_SENDERS has no {name} for gcs: "
                'give {"gcs": {"audience": "https://…", "emails": ["…@….iam.gserviceaccount.com"]}}'
            )
    expected = Expected(issuers=_ISSUERS, audience=options.audience, emails=frozenset(options.emails))
    if not options.jwks.startswith("https://"):
        raise InvalidSettings("EMG_SENDERS has a jwks for gcs that is not fetched by https")
    provider = Provider(issuer=_ISSUERS[0], audience=options.audience, keys_url=options.jwks)
    return Gcs(expected=expected, keys=ProviderKeys(provider, fetch, monotonic))


def stored_notice(stored: StoredObject, delivery: str) -> Notice:
    """Return the notice about an object; without its hash, storage itself has to name the version."""
    return Notice(
        bucket=stored.bucket,
        key=stored.name,
        version=_hex_of(stored.md5_hash) if stored.md5_hash else None,
        size_bytes=_size(stored.size),
        sequence=("gcs", stored.generation) if stored.generation.isascii() and stored.generation.isdigit() else None,
        delivery=delivery,
    )


def _notice(message: _Message) -> Notice:
    """Attributes name the object also where the subscription was made without a payload."""
    attributes = message.attributes
    if attributes.bucket_id is None or attributes.object_id is None:
        raise WrongShape("the message has no attributes bucketId and objectId")
    told = _payload(message.data)
    stored = StoredObject(
        bucket=attributes.bucket_id,
        name=attributes.object_id,
        generation=attributes.object_generation,
        size=told.size if told else None,
        md5_hash=told.md5_hash if told else None,
    )
    return stored_notice(stored, message.message_id)


def _payload(data: str) -> StoredObject | None:
    return decoded(plain_bytes(data, "data"), StoredObject) if data else None


def _hex_of(md5_hash: str) -> str | None:
    """Return the hash as storage's ETag has it."""
    try:
        return base64.b64decode(md5_hash, validate=True).hex() or None
    except (binascii.Error, ValueError):
        return None


def _size(size: str | int | None) -> int | None:
    text = str(size)
    if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004 - more than any size has
        return None
    return int(text) if int(text) <= MOST_SIZE_BYTES else None
