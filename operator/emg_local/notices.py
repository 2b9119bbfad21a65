"""Signed notices, as each sender makes them: one line a sender."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from emg_api.adapters.gcs import GcsOptions
from emg_local import payloads
from emg_local.payloads import as_json
from emg_local.uploads import UploadedObject
from emg_local.webhook import Posting
from emg_session.errors import InvalidSettings

OPTIMIZED_PATH = "/webhooks/storage/c3d-upload-optimized"
_GOOGLE = "https://accounts.google.com"
_JSON = "application/json"
_NOBODY = GcsOptions()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a sender proves itself with; `google` says for whom its tokens are made, and by whom."""

    secret: str
    google: GcsOptions = _NOBODY


Build = Callable[[UploadedObject, Credentials, datetime], Posting]


def supabase(uploaded: UploadedObject, credentials: Credentials, _now: datetime) -> Posting:
    """Build the database webhook with the earlier system's signature."""
    body = as_json(payloads.supabase_row(uploaded))
    digest = hmac.new(credentials.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": _JSON, "X-Supabase-Signature": f"sha256={digest}"}
    return Posting(path=OPTIMIZED_PATH, headers=headers, body=body)


def gcs(uploaded: UploadedObject, credentials: Credentials, now: datetime) -> Posting:
    """Build a push of Pub/Sub with a token; the secret is the private key in PEM."""
    token = google_token(credentials, now)
    return _with_key("gcs", payloads.pubsub_push(uploaded), token)


def cloudevents_binary(uploaded: UploadedObject, credentials: Credentials, _now: datetime) -> Posting:
    """Build a CloudEvent whose attributes are headers."""
    event = payloads.own_cloud_event(uploaded)
    attributes = {f"ce-{name}": event[name] for name in event if name not in ("data", "datacontenttype")}
    posting = _with_key("cloudevents", event["data"], credentials.secret)
    return Posting(path=posting.path, headers={**posting.headers, **attributes}, body=posting.body)


def standard(uploaded: UploadedObject, credentials: Credentials, now: datetime) -> Posting:
    """Build one of Standard Webhooks with a shared key."""
    body = as_json(payloads.own_event(uploaded))
    delivery = f"msg_{uploaded.identifier('delivery')}"
    headers = {"Content-Type": _JSON} | standard_headers(body, credentials.secret, now, delivery=delivery)
    return Posting(path="/webhooks/standard", headers=headers, body=body)


def standard_headers(body: bytes, secret: str, now: datetime, *, delivery: str) -> dict[str, str]:
    """Sign a body as Standard Webhooks does; raises InvalidSettings for what is no key."""
    timestamp = str(int(now.timestamp()))
    signed = f"{delivery}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(_shared_key(secret), signed, "sha256")).decode()
    return {"webhook-id": delivery, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def google_token(credentials: Credentials, now: datetime) -> str:
    """Make an identity token as Pub/Sub does; raises InvalidSettings for what is no private key."""
    google = credentials.google
    if not (google.audience and google.emails):
        raise InvalidSettings("EMG_SENDERS has no audience and emails for gcs: the token is made for them")
    claims = {
        "iss": _GOOGLE,
        "aud": google.audience,
        "email": google.emails[0],
        "email_verified": True,
        "sub": "113774264463038321964",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=1)).timestamp()),
    }
    try:
        key = RSAKey.import_key(credentials.secret)
        return jwt.encode({"alg": "RS256", "kid": key.thumbprint()}, claims, key)
    except (ValueError, JoseError) as error:
        raise InvalidSettings("gcs signs with an RSA key: give the private one in PEM as the secret") from error


def keyed(path: str, payload: Callable[[UploadedObject], object], media_type: str = _JSON) -> Build:
    """Return how a sender posts that brings its key along."""

    def build(uploaded: UploadedObject, credentials: Credentials, _now: datetime) -> Posting:
        return _with_key(path, payload(uploaded), credentials.secret, media_type)

    return build


def _with_key(sender: str, payload: object, key: str, media_type: str = _JSON) -> Posting:
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {key}"}
    return Posting(path=f"/webhooks/{sender}", headers=headers, body=as_json(payload))


def _shared_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSettings("standard signs with whsec_ and a key in base64: give that as the secret") from error


# The part before the first dot is the sender's name in the receiver's settings.
NOTICES: Mapping[str, Build] = {
    "supabase": supabase,
    "supabase.storage-api": keyed("supabase", payloads.supabase_event),
    "s3": keyed("s3", payloads.s3_records),
    "s3.eventbridge": keyed("s3", payloads.eventbridge_event),
    "minio": keyed("minio", payloads.minio_records),
    "gcs": gcs,
    "azure": keyed("azure", payloads.event_grid_events),
    "azure.cloudevents": keyed("azure", payloads.azure_cloud_event, "application/cloudevents+json"),
    "cloudevents": keyed("cloudevents", payloads.own_cloud_event, "application/cloudevents+json"),
    "cloudevents.binary": cloudevents_binary,
    "standard": standard,
}
