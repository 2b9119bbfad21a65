"""Amazon SNS: its envelope around other services' messages, with a signature by a certificate of Amazon's.

Source: docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages". Nothing is fetched unless the topic
is one of the settings' and the address is at SNS itself in that topic's region, whatever the message says.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from emg_api.adapters.decoding import Word, decoded
from emg_api.adapters.notice import Because, Handshake, Ignored, Reading
from emg_api.adapters.options import Fetch
from emg_api.adapters.signatures import from_base64, verify_age
from emg_api.refusals import KeysUnavailable, NotSigned, WrongShape
from emg_api.shared_work import SharedWork
from emg_session.errors import InvalidSettings

# SNS tries for an hour at most.
_MOST_AGE_S, _FUTURE_S = 3900.0, 300.0
_KEPT_CERTIFICATES = 8
_CERTIFICATE = re.compile(r"SimpleNotificationService-[0-9a-f]{32,64}\.pem")
_TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]{3,30}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
# Version 1 is what topics have unless told otherwise; forging it needs a second preimage, not a collision.
_HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - SNS's choice

_Long = Annotated[str, msgspec.Meta(max_length=65536)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What SNS posts."""

    type: Word
    message_id: Word
    topic_arn: Word
    timestamp: Word
    signature_version: Word
    signature: Annotated[str, msgspec.Meta(max_length=2048)]
    certificate: Word = msgspec.field(name="SigningCertURL")
    message: _Long
    subject: _Long | None = None
    token: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    subscribe_url: _Long | None = msgspec.field(default=None, name="SubscribeURL")

    def signed_text(self) -> bytes:
        """Return what the signature is about: names and values, in the order SNS prescribes."""
        asks = self.type != "Notification"
        fields = {
            "Message": self.message,
            "MessageId": self.message_id,
            "Subject": None if asks else self.subject,
            "SubscribeURL": self.subscribe_url if asks else None,
            "Timestamp": self.timestamp,
            "Token": self.token if asks else None,
            "TopicArn": self.topic_arn,
            "Type": self.type,
        }
        return "".join(f"{name}\n{value}\n" for name, value in fields.items() if value is not None).encode()


@dataclass(frozen=True, kw_only=True)
class Topics:
    """The topics that are believed, and the certificates seen lately."""

    arns: frozenset[str]
    fetch: Fetch
    _kept: OrderedDict[str, x509.Certificate] = field(default_factory=OrderedDict, init=False, repr=False)
    _fetches: SharedWork[bytes] = field(default_factory=SharedWork, init=False, repr=False)

    @classmethod
    def of(cls, arns: tuple[str, ...], fetch: Fetch) -> "Topics":
        """Take topics from settings; raises InvalidSettings for what is no topic's ARN."""
        for arn in arns:
            if not _TOPIC.fullmatch(arn):
                raise InvalidSettings(
                    f"EMG_SENDERS: {arn!r} is no topic: it looks like arn:aws:sns:region:account:name"
                )
        return cls(arns=frozenset(arns), fetch=fetch)

    async def receive(self, body: bytes, now: datetime) -> str | Reading:
        """Return the message of a notification, or what else there is to do; raises a refusal, KeysUnavailable."""
        envelope = decoded(body, Envelope)
        if envelope.topic_arn not in self.arns:
            raise NotSigned("the message's topic is not one of the topics of s3 in EMG_SENDERS")
        await self._verify(envelope, now)
        verify_age((now - _moment(envelope.timestamp)).total_seconds(), most_s=_MOST_AGE_S, future_s=_FUTURE_S)
        match envelope.type:
            case "Notification":
                return envelope.message
            case "SubscriptionConfirmation":
                return await self._subscribe(envelope)
            case _:
                return [Ignored(Because.NOT_NEW, f"{envelope.type} is no new object")]

    async def _verify(self, envelope: Envelope, now: datetime) -> None:
        algorithm = _HASHES.get(envelope.signature_version)
        if algorithm is None:
            raise NotSigned("SignatureVersion is neither 1 nor 2")
        key = (await self._certificate(envelope, now)).public_key()
        if not isinstance(key, RSAPublicKey):
            raise NotSigned("the certificate's key is not RSA")
        try:
            key.verify(from_base64(envelope.signature), envelope.signed_text(), PKCS1v15(), algorithm)
        except InvalidSignature as error:
            raise NotSigned("the certificate does not make the message's signature") from error

    async def _certificate(self, envelope: Envelope, now: datetime) -> x509.Certificate:
        address, home = envelope.certificate, _home(envelope.topic_arn)
        if not address.startswith(home) or not _CERTIFICATE.fullmatch(address.removeprefix(home)):
            raise NotSigned("SigningCertURL is no address of a certificate of SNS in the topic's region")
        if address not in self._kept:
            self._kept[address] = _loaded(await self._fetches.result(address, partial(self._page, address)))
        self._kept.move_to_end(address)
        while len(self._kept) > _KEPT_CERTIFICATES:
            self._kept.popitem(last=False)
        certificate = self._kept[address]
        day = timedelta(days=1)  # clocks differ
        if not certificate.not_valid_before_utc - day <= now <= certificate.not_valid_after_utc:
            del self._kept[address]
            raise NotSigned("the certificate has expired or is not valid yet")
        return certificate

    async def _page(self, address: str) -> bytes:
        return await self.fetch(address)

    async def _subscribe(self, envelope: Envelope) -> Handshake:
        """Confirm at an address that we make of the topic ourselves, not at the one that the message brings."""
        if envelope.token is None:
            raise WrongShape("a SubscriptionConfirmation has a Token")
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": envelope.topic_arn, "Token": envelope.token})
        await self.fetch(f"{_home(envelope.topic_arn)}?{query}")
        return Handshake(answer={"success": True, "message": "Subscription confirmed"})


def _home(topic_arn: str) -> str:
    """Return where SNS is for a topic of the settings: buckets, too, have names below amazonaws.com."""
    _, partition, _, region, *_ = topic_arn.split(":")
    return f"https://sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}/"


def _loaded(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise KeysUnavailable("SNS's certificate can't be read") from error


def _moment(timestamp: str) -> datetime:
    try:
        moment: datetime = msgspec.convert(timestamp, Annotated[datetime, msgspec.Meta(tz=True)])
    except msgspec.ValidationError as error:
        raise WrongShape("Timestamp is no time with its zone") from error
    return moment
