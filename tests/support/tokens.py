"""An identity provider for tests: keys, tokens of every kind, and what it publishes."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwk

from emg_api.refusals import KeysUnavailable

ISSUER = "https://identity.example.org"
AUDIENCE = "emg-signals"
NOW_S = 1_780_000_000


def rsa_key(kid: str = "one") -> jwk.RSAKey:
    return jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass
class IdentityProvider:
    """Signs tokens, and publishes its keys; `fetched` counts what was asked for, `away` makes it silent."""

    keys: list[Any] = field(default_factory=lambda: [rsa_key()])
    fetched: list[str] = field(default_factory=list)
    away: bool = False
    discovery: dict[str, Any] = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})

    async def fetch(self, address: str) -> bytes:
        self.fetched.append(address)
        if self.away:
            raise KeysUnavailable("the provider does not answer")
        published = {"keys": [key.as_dict(private=False) for key in self.keys]}
        return json.dumps(self.discovery if address.endswith("openid-configuration") else published).encode()

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        key = key or self.keys[0]
        every = {"iss": ISSUER, "aud": AUDIENCE, "sub": "therapist-7", "exp": NOW_S + 600, "emg_subjects": ["P001"]}
        told = {name: value for name, value in (every | claims).items() if value is not None}
        return signed({"alg": "RS256", "typ": "JWT", "kid": key.kid} | (header or {}), told, key)


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    """Return a token with exactly this header, which a well-meaning library would refuse to make."""
    text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}".encode()
    if isinstance(key, jwk.OctKey):
        signature = hmac.digest(key.raw_value, text, hashlib.sha256)
    else:
        signature = key.private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return f"{text.decode()}.{_encoded(signature)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
