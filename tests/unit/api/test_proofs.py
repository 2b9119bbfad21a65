"""How each sender proves itself, and what does not."""

import asyncio
import base64
import hmac
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from emg_api.access.oidc import Provider, ProviderKeys
from emg_api.adapters.notice import Handshake, Notice
from emg_api.adapters.sns import Topics
from emg_api.refusals import KeysUnavailable, NotSigned, OutOfTime, RepeatedHeader
from emg_api.senders import build_senders
from emg_local.notices import google_token
from tests.support.senders import (
    AMAZON_KEY,
    CERTIFICATE_URL,
    GOOGLE,
    GOOGLE_KEY,
    GOOGLE_OPTIONS,
    NOW,
    RECORDED,
    STANDARD_KEY,
    TOPIC,
    Fetched,
    adapter,
    certificate_of,
    credentials,
    key_set,
    pem_of,
    proof,
    raw,
    rsa_key,
    sender_settings,
    sns_message,
)
from tests.support.web import KEYS

RECORDS = (RECORDED / "s3-records.json").read_text()
PUSH = (RECORDED / "gcs-finalize.json").read_bytes()
OWN = (RECORDED / "standard-created.json").read_bytes()
SNS = {"x-amz-sns-message-type": "Notification", "content-type": "text/plain; charset=UTF-8"}
BEARERS = {
    "supabase": "supabase-insert",
    "s3": "s3-records",
    "minio": "minio-put",
    "azure": "azure-blob-created",
    "cloudevents": "cloudevents-own",
}


def keys_at(pages: dict[str, bytes], asked: list[str], now: Callable[[], float] = lambda: 0.0) -> ProviderKeys:
    provider = Provider(issuer="https://accounts.google.com", audience="us", keys_url="https://keys")
    return ProviderKeys(provider, Fetched(pages, asked).fetch, now)


async def push(token: str, source: ProviderKeys | None = None):
    gcs = adapter("gcs")
    reader = type(gcs)(expected=gcs.expected, keys=source) if source else gcs
    return await reader.read(raw(PUSH, {"authorization": f"Bearer {token}"}), NOW)


async def sns(body: bytes, pages: dict[str, bytes] | None = None, asked: list[str] | None = None):
    fetched = Fetched(GOOGLE.pages if pages is None else pages, asked if asked is not None else [])
    return await build_senders(sender_settings(), fetched.fetch)["s3"].adapter.read(raw(body, SNS), NOW)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("sender", "name"), BEARERS.items())
async def test_every_live_key_is_enough(sender, name, key):
    body = (RECORDED / f"{name}.json").read_bytes()
    headers = {"authorization": f"bearer {key}", "content-type": "application/cloudevents+json"}

    arrivals = await adapter(sender).read(raw(body, headers), NOW)

    assert isinstance(arrivals[0], Notice)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer no", f"Basic {KEYS[0]}", f"Bearer {KEYS[0]}x", KEYS[0]]
)
@pytest.mark.parametrize("sender", BEARERS)
async def test_anything_but_a_live_key_is_refused(sender, authorization):
    with pytest.raises(NotSigned):
        await adapter(sender).read(raw(b"{}", {"authorization": authorization}), NOW)


async def test_two_authorizations_are_refused():
    request = raw(b"{}", {})
    twice = type(request)(headers=[("authorization", f"Bearer {key}") for key in KEYS], body=b"{}")
    with pytest.raises(RepeatedHeader):
        await adapter("minio").read(twice, NOW)


async def test_a_wrong_signature_is_not_saved_by_a_live_key():
    headers = {"authorization": f"Bearer {KEYS[0]}", "x-supabase-signature": "sha256=00"}
    with pytest.raises(NotSigned):
        await adapter("supabase").read(raw(b"{}", headers), NOW)


async def test_azures_key_may_be_in_the_address():
    body = (RECORDED / "azure-blob-created.json").read_bytes()

    assert isinstance((await adapter("azure").read(raw(body, {}, code=KEYS[1]), NOW))[0], Notice)
    with pytest.raises(NotSigned):
        await adapter("azure").read(raw(body, {}, code="no"), NOW)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_sns_is_believed_by_its_certificate(version):
    arrivals = await sns(sns_message(AMAZON_KEY, RECORDS, SignatureVersion=version))

    assert [type(arrival).__name__ for arrival in arrivals] == ["Notice", "Ignored"]


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": TOPIC.replace("recordings", "others")},
        {"TopicArn": TOPIC.replace("123456789012", "999999999999")},
        {"SignatureVersion": "3"},
        {"SigningCertURL": CERTIFICATE_URL.replace("https", "http")},
        {"SigningCertURL": CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.evil.example")},
        {"SigningCertURL": CERTIFICATE_URL.replace("https://", "https://evil.example@")},
        {"SigningCertURL": CERTIFICATE_URL.replace("https://sns.", "https://evil.example/sns.")},
        {"SigningCertURL": CERTIFICATE_URL.replace("sns.eu-central-1", "sns.s3-us-west-2")},
        {"SigningCertURL": CERTIFICATE_URL.replace("eu-central-1", "us-east-1")},
        {"SigningCertURL": CERTIFICATE_URL.replace(".com/", ".com.cn/")},
        {"SigningCertURL": CERTIFICATE_URL + "?x=1"},
        {"SigningCertURL": "file:///etc/passwd"},
    ],
)
async def test_nothing_is_fetched_for_another_topic_or_from_elsewhere(changes):
    asked: list[str] = []
    with pytest.raises(NotSigned):
        await sns(sns_message(AMAZON_KEY, RECORDS, **changes), asked=asked)
    assert asked == []


async def test_a_changed_message_of_sns_is_refused():
    message = msgspec.json.decode(sns_message(AMAZON_KEY, RECORDS))
    with pytest.raises(NotSigned, match="does not make the message's signature"):
        await sns(msgspec.json.encode(message | {"Message": RECORDS + " "}))


@pytest.mark.parametrize(
    ("days", "sentence"),
    [(-1, "has expired"), (365, "does not make"), (None, "is not RSA")],
    ids=["old", "other", "ec"],
)
async def test_another_certificate_is_not_enough(days, sentence):
    key = ec.generate_private_key(ec.SECP256R1()) if days is None else AMAZON_KEY if days < 0 else rsa_key()
    pages = {CERTIFICATE_URL: certificate_of(key, days=days or 365)}
    with pytest.raises(NotSigned, match=sentence):
        await sns(sns_message(AMAZON_KEY, RECORDS), pages)


@pytest.mark.parametrize("pages", [{}, {CERTIFICATE_URL: b"no certificate"}])
async def test_a_certificate_that_can_not_be_had_is_for_later(pages):
    with pytest.raises(KeysUnavailable):
        await sns(sns_message(AMAZON_KEY, RECORDS), pages)


@pytest.mark.parametrize("hours", [-2, 1])
async def test_a_message_of_another_time_is_refused(hours):
    at = (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    with pytest.raises(OutOfTime):
        await sns(sns_message(AMAZON_KEY, RECORDS, Timestamp=at))


async def test_a_certificate_is_fetched_once():
    asked: list[str] = []
    s3 = build_senders(sender_settings(), Fetched(GOOGLE.pages, asked).fetch)["s3"].adapter
    for _ in range(2):
        await asyncio.gather(*(s3.read(raw(sns_message(AMAZON_KEY, RECORDS), SNS), NOW) for _ in range(3)))
    assert asked == [CERTIFICATE_URL]


async def test_chinas_certificates_are_in_china():
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:recordings"
    address = CERTIFICATE_URL.replace("eu-central-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")
    topics = Topics.of((topic,), Fetched({address: certificate_of(AMAZON_KEY)}).fetch)
    body = sns_message(AMAZON_KEY, RECORDS, TopicArn=topic, SigningCertURL=address)

    assert await topics.receive(body, NOW) == RECORDS


async def test_a_subscription_is_confirmed_at_an_address_of_our_own_making():
    topic = TOPIC.replace(":", "%3A")
    confirm = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=t%26"
    asked: list[str] = []
    asks = {"Type": "SubscriptionConfirmation", "Token": "t&", "SubscribeURL": "http://169.254.169.254/"}

    reading = await sns(sns_message(AMAZON_KEY, "please", **asks), GOOGLE.pages | {confirm: b"<ok/>"}, asked)

    assert isinstance(reading, Handshake)
    assert asked == [CERTIFICATE_URL, confirm]


async def test_googles_token_is_believed():
    assert isinstance((await push(google_token(credentials("gcs"), NOW)))[0], Notice)


def token(key: RSAKey | OctKey, header: dict[str, str] | None = None, **changes: object) -> str:
    claims = {
        "iss": "https://accounts.google.com",
        "aud": GOOGLE_OPTIONS.audience,
        "email": GOOGLE_OPTIONS.emails[0],
        "email_verified": True,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
    } | changes
    header = {"alg": "RS256", "kid": RSAKey.import_key(GOOGLE_KEY).thumbprint()} | (header or {})
    return jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, key, algorithms=[header["alg"]])


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://other.example"},
        {"aud": [GOOGLE_OPTIONS.audience]},
        {"email": "somebody@example.com"},
        {"email_verified": "true"},
        {"email_verified": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iat": None},
    ],
)
async def test_a_token_for_or_by_somebody_else_is_refused(changes):
    with pytest.raises(NotSigned):
        await push(token(RSAKey.import_key(GOOGLE_KEY), **changes))


@pytest.mark.parametrize("seconds", [-7200, 7200])
async def test_a_token_of_another_time_is_refused(seconds):
    then = int(NOW.timestamp()) + seconds
    with pytest.raises(OutOfTime):
        await push(token(RSAKey.import_key(GOOGLE_KEY), iat=then, exp=then + 3600))


def unsigned() -> str:
    parts = [msgspec.json.encode(part) for part in ({"alg": "none"}, {"iss": "https://accounts.google.com"})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def odd_header(changes: dict[str, object]) -> str:
    header = {"alg": "RS256", "kid": RSAKey.import_key(GOOGLE_KEY).thumbprint()} | changes
    return f"{base64.urlsafe_b64encode(msgspec.json.encode(header)).decode().rstrip('=')}.e30.AAAA"


def signed_with_the_public_key() -> str:
    public = RSAKey.import_key(GOOGLE_KEY).as_pem(private=False)
    return token(OctKey.import_key(base64.b64encode(public)), {"alg": "HS256"})


@pytest.mark.parametrize(
    "made",
    [
        unsigned,
        signed_with_the_public_key,
        lambda: token(RSAKey.import_key(pem_of(rsa_key()))),
        lambda: token(RSAKey.import_key(GOOGLE_KEY), {"alg": "RS512"}),
        lambda: token(RSAKey.import_key(GOOGLE_KEY))[:-4] + "AAAA",
        lambda: odd_header({"crit": 1}),
        lambda: odd_header({"crit": 1, "kid": "newer"}),
        lambda: "a.b.c",
        lambda: "x" * 10_000,
    ],
    ids=[
        "none",
        "public key as secret",
        "other key",
        "other algorithm",
        "changed",
        "odd",
        "odd, newer",
        "no token",
        "endless",
    ],
)
async def test_a_token_signed_otherwise_is_refused(made):
    with pytest.raises(NotSigned):
        await push(made())


async def test_keys_are_asked_for_again_for_a_new_key_but_not_for_every_wrong_one():
    pages, asked, clock = {"https://keys": key_set(pem_of(rsa_key()))}, [], [0.0]
    source = keys_at(pages, asked, lambda: clock[0])
    for _ in range(3):
        with pytest.raises(NotSigned):
            await push(google_token(credentials("gcs"), NOW), source)
    pages["https://keys"] = key_set(GOOGLE_KEY)
    clock[0] = 31.0

    assert isinstance((await push(google_token(credentials("gcs"), NOW), source))[0], Notice)
    assert len(asked) == 2


@pytest.mark.parametrize("page", [b"", b"{}", b"[]", b'{"keys": 1}', b'{"keys": [{"kty": "RSA"}]}'])
async def test_keys_that_can_not_be_read_are_for_later(page):
    with pytest.raises(KeysUnavailable):
        await push("a.b.c", keys_at({"https://keys": page}, []))


@pytest.mark.parametrize("seconds", [-299, 0, 299])
async def test_standard_webhooks_have_five_minutes(seconds):
    made = proof("standard", OWN, NOW + timedelta(seconds=seconds))

    assert isinstance((await adapter("standard").read(raw(OWN, made), NOW))[0], Notice)


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_after_five_minutes_a_webhook_is_refused(seconds):
    with pytest.raises(OutOfTime):
        await adapter("standard").read(raw(OWN, proof("standard", OWN, NOW + timedelta(seconds=seconds))), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": f" {int(NOW.timestamp())}"},
        {"webhook-timestamp": "٣"},
        {"webhook-id": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,,"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": "v1," + base64.b64encode(b"\0" * 32).decode()},
    ],
)
async def test_a_changed_webhook_is_refused(change):
    with pytest.raises(NotSigned):
        await adapter("standard").read(raw(OWN, proof("standard", OWN) | change), NOW)


async def test_several_signatures_are_a_key_that_is_being_replaced():
    headers = proof("standard", OWN)
    old = "v1," + base64.b64encode(b"\0" * 32).decode()

    several = headers | {"webhook-signature": f"{old} v1a,{old[3:]} {headers['webhook-signature']}"}

    assert isinstance((await adapter("standard").read(raw(OWN, several), NOW))[0], Notice)


@pytest.mark.parametrize("odd", ["v1,not base64!", "v1,\xff", "v1", "", "v1a,AAAA", "v9,later"])
async def test_what_is_no_signature_spoils_none_beside_it(odd):
    headers = proof("standard", OWN)
    several = headers | {"webhook-signature": f"{odd} {headers['webhook-signature']}"}

    assert isinstance((await adapter("standard").read(raw(OWN, several), NOW))[0], Notice)


async def test_a_private_key_signs_webhooks_too():
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    settings = sender_settings({"standard": ["whpk_" + base64.b64encode(public).decode()]}, {})
    standard = build_senders(settings, GOOGLE.fetch)["standard"].adapter
    headers = proof("standard", OWN)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + OWN
    signature = "v1a," + base64.b64encode(private.sign(signed)).decode()

    assert isinstance((await standard.read(raw(OWN, headers | {"webhook-signature": signature}), NOW))[0], Notice)
    forged = "v1," + base64.b64encode(hmac.digest(public, signed, "sha256")).decode()
    with pytest.raises(NotSigned):  # not with the public key as a secret
        await standard.read(raw(OWN, headers | {"webhook-signature": forged}), NOW)


def test_no_key_is_shown():
    shown = repr(build_senders(sender_settings(), GOOGLE.fetch)) + repr(sender_settings())

    assert not any(key in shown for key in (*KEYS, STANDARD_KEY, base64.b64decode(STANDARD_KEY[6:]).decode()))
