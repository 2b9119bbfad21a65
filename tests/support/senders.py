"""Senders as a receiver under test is set up for them, and the makers of signatures that they rely on."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from emg_api.adapters.gcs import GcsOptions
from emg_api.adapters.notice import Adapter
from emg_api.adapters.request import RawRequest
from emg_api.adapters.sns import Envelope
from emg_api.refusals import KeysUnavailable
from emg_api.senders import SenderSettings, build_senders, parse_senders
from emg_local.notices import Credentials, google_token, standard_headers
from emg_session.recordings import Buckets
from tests.support.web import KEYS, signed

RECORDED = Path(__file__).parents[1] / "golden" / "notices"
NOW = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:recordings"
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem"
STANDARD_KEY = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()
SECRETS = dict.fromkeys(("supabase", "s3", "minio", "azure", "cloudevents"), KEYS) | {"standard": [STANDARD_KEY]}
GOOGLE_OPTIONS = GcsOptions(audience="https://emg.example/gcs", emails=("push@example.iam.gserviceaccount.com",))
OPTIONS = {
    "s3": {"topics": [TOPIC]},
    "gcs": {"audience": GOOGLE_OPTIONS.audience, "emails": list(GOOGLE_OPTIONS.emails)},
    "cloudevents": {"origins": ["storage.example"]},
}


def sender_settings(
    secrets: Mapping[str, object] = SECRETS, options: Mapping[str, object] = OPTIONS
) -> tuple[SenderSettings, ...]:
    """Return settings as the environment would give them."""
    buckets = Buckets({"recordings": "s3://recordings", "others": "s3://others"})
    return parse_senders(msgspec.json.encode(secrets).decode(), msgspec.json.encode(options).decode(), buckets)


@dataclass
class Fetched:
    """What there is to fetch on the web, by address; `asked` lists what was."""

    pages: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    async def fetch(self, address: str) -> bytes:
        """Fetch as the receiver does."""
        self.asked.append(address)
        if address not in self.pages:
            raise KeysUnavailable("nothing there")
        return self.pages[address]


def rsa_key() -> rsa.RSAPrivateKey:
    """Make a private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    """Return a private key as text."""
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, no_password).decode()


def key_set(*keys: str) -> bytes:
    """Return the public keys of private ones as a key set."""
    public = [RSAKey.import_key(key) for key in keys]
    return msgspec.json.encode({"keys": [k.as_dict(private=False) | {"kid": k.thumbprint()} for k in public]})


def certificate_of(key: rsa.RSAPrivateKey, *, days: int = 365) -> bytes:
    """Return a certificate for a key, valid for some days around NOW."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - timedelta(days=400))
    signed = builder.not_valid_after(NOW + timedelta(days=days)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def sns_message(key: rsa.RSAPrivateKey, message: str, **changes: str) -> bytes:
    """Return what SNS posts, signed by a key."""
    fields = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon S3 Notification",
        "Message": message,
        "Timestamp": NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": "2",
        "Signature": "",
        "SigningCertURL": CERTIFICATE_URL,
    } | changes
    algorithm = hashes.SHA1() if fields["SignatureVersion"] == "1" else hashes.SHA256()
    text = msgspec.convert(fields, Envelope).signed_text()
    signature = key.sign(text, padding.PKCS1v15(), algorithm)
    return msgspec.json.encode(fields | {"Signature": base64.b64encode(signature).decode()})


GOOGLE_KEY = pem_of(rsa_key())
AMAZON_KEY = rsa_key()
GOOGLE = Fetched({GOOGLE_OPTIONS.jwks: key_set(GOOGLE_KEY), CERTIFICATE_URL: certificate_of(AMAZON_KEY)})
SENDER_SETTINGS = sender_settings()


def credentials(sender: str) -> Credentials:
    """Return what `emg send` would sign with."""
    secret = GOOGLE_KEY if sender == "gcs" else SECRETS[sender][0]
    return Credentials(secret=secret, google=GOOGLE_OPTIONS)


def proof(sender: str, body: bytes, now: datetime = NOW) -> dict[str, str]:
    """Return the headers with which a sender proves a body of its own."""
    secret = credentials(sender)
    match sender:
        case "supabase":
            return signed(body)
        case "gcs":
            return {"authorization": f"Bearer {google_token(secret, now)}"}
        case "standard":
            return standard_headers(body, secret.secret, now, delivery="msg_1")
        case _:
            return {"authorization": f"Bearer {secret.secret}"}


def raw(body: bytes, headers: Mapping[str, str], code: str | None = None) -> RawRequest:
    """Return a request as an adapter gets it."""
    return RawRequest(headers=[(name.lower(), value) for name, value in headers.items()], body=body, code=code)


def adapter(sender: str) -> Adapter:
    """Return a sender's adapter."""
    return build_senders(SENDER_SETTINGS, GOOGLE.fetch)[sender].adapter
