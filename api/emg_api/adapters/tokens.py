"""Identity tokens (OpenID Connect): signed by RSA, by a known maker, for us, by one of the accounts we know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from emg_api.access.oidc import ProviderKeys
from emg_api.refusals import NotSigned, OutOfTime

_LEEWAY_S = 60
# Only signatures by a private key: `none`, or HMAC made with the public key as its secret, is never accepted.
_ALGORITHMS = ["RS256"]
_MOST_CHARACTERS = 8192
# joserfc lets a header of another shape than it expects fail as it may.
_UNREADABLE = (JoseError, ValueError, TypeError)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Whose tokens are believed."""

    issuers: tuple[str, ...]
    audience: str
    emails: frozenset[str]


async def verify_token(token: str, expected: Expected, source: ProviderKeys, now: datetime) -> None:
    """Check a token; raises NotSigned, OutOfTime, KeysUnavailable."""
    if len(token) > _MOST_CHARACTERS:
        raise NotSigned("the token is longer than any")
    try:
        claims = _claims(token, await source.current())
    except InvalidKeyIdError:
        claims = _claims_or_refused(token, await source.newer())
    except _UNREADABLE as error:
        raise NotSigned("the token is not signed by a key we know") from error
    _check(claims, expected, now)


def _claims_or_refused(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return _claims(token, keys)
    except _UNREADABLE as error:
        raise NotSigned("the token is not signed by a key we know") from error


def _claims(token: str, keys: KeySet) -> dict[str, Any]:
    return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims


def _check(claims: dict[str, Any], expected: Expected, now: datetime) -> None:
    if claims.get("iss") not in expected.issuers:
        raise NotSigned("the token's iss is not Google's")
    if claims.get("aud") != expected.audience:
        raise NotSigned("the token's aud is not the audience of gcs in EMG_SENDERS")
    if claims.get("email") not in expected.emails or claims.get("email_verified") is not True:
        raise NotSigned("the token's email is not one of the emails of gcs in EMG_SENDERS, or not verified")
    _check_times(claims, now.timestamp())


def _check_times(claims: dict[str, Any], now_s: float) -> None:
    for name in ("exp", "iat"):
        if isinstance(claims.get(name), bool) or not isinstance(claims.get(name), int | float):
            raise NotSigned(f"the token has no {name}")
    if not claims["iat"] - _LEEWAY_S <= now_s <= claims["exp"] + _LEEWAY_S:
        raise OutOfTime("the token has expired or is not valid yet")
