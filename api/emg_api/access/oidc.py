"""EMG_AUTH=oidc: tokens of an identity provider, one claim of which names the subjects that its bearer may see."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from starlette.requests import Request

from emg_api.access.bearer import bearer_token
from emg_api.access.callers import Caller, pseudonym
from emg_api.refusals import InvalidToken, KeysUnavailable, NotAllowed, SessionNotFound
from emg_session.errors import TransientFailure

T = TypeVar("T")

Fetch = Callable[[str], Awaitable[bytes]]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
EVERYTHING = "*"

_SECONDS_KEPT, _SECONDS_BETWEEN_FETCHES, _SECONDS_AFTER_FAILURE = 600.0, 30.0, 5.0
# With the provider away, the keys it had are good for an hour.
_SECONDS_WITHOUT_PROVIDER = 3600.0
_LEEWAY_S = 30
# Access tokens (RFC 9068) and tokens from before it; not, for example, a logout token of the same provider.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_ASYMMETRIC = frozenset({"RSA", "EC", "OKP"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Whose tokens count: `keys_url` where the issuer's own discovery document does not tell it."""

    issuer: str
    audience: str
    keys_url: str | None = None
    subjects_claim: str = "emg_subjects"


class OidcAccess:
    """Verifies tokens with the provider's keys; a session is open to who has its subject in the claim."""

    def __init__(
        self,
        provider: Provider,
        fetch: Fetch,
        *,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._keys = ProviderKeys(provider, fetch, now)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(wall_clock()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def identify(self, request: Request) -> Caller:
        """Return whom the token is about; raises InvalidToken, KeysUnavailable."""
        token = bearer_token(request)
        try:
            claims = await self._verified(token)
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken(f"the token can't be accepted ({type(error).__name__})") from error
        return Caller(
            pseudonym=pseudonym(self._provider.issuer, claims["sub"]),
            subjects=subjects_of(claims.get(self._provider.subjects_claim)),
        )

    async def check_list(self, caller: Caller) -> None:
        """Raise NotAllowed for who has no subject at all."""
        if caller.subjects is not None and not caller.subjects:
            raise NotAllowed(f"your token names no subject in its claim {self._provider.subjects_claim}")

    async def check_session(self, caller: Caller, _name: str, subject: str | None) -> None:
        """Raise SessionNotFound for another's: that a subject took part is not everybody's to know."""
        if caller.subjects is not None and subject not in caller.subjects:
            raise SessionNotFound("no session has this id or code")

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            decoded = _decode(token, await self._keys.current())
        except InvalidKeyIdError:
            decoded = _decode(token, await self._keys.newer())
        if str(decoded.header.get("typ", "JWT")).lower() not in _TYPES:
            raise InvalidToken("the token is of another kind than an access token")
        return decoded.claims


def subjects_of(claim: object) -> frozenset[str] | None:
    """Read the claim: a list of subjects or one; `*` stands for all (None), anything else for nobody."""
    values = [claim] if isinstance(claim, str) else claim
    named = frozenset(v for v in values if isinstance(v, str)) if isinstance(values, list) else frozenset()
    return None if EVERYTHING in named else named


def _decode(token: str, keys: jwk.KeySet) -> jwt.Token:
    return jwt.decode(token, keys, algorithms=ALGORITHMS)


class ProviderKeys:
    """The provider's public keys, fetched when needed and at most every 30 s."""

    def __init__(self, provider: Provider, fetch: Fetch, now: Callable[[], float]) -> None:
        self._provider = provider
        self._fetch = fetch
        self._now = now
        self._turn = asyncio.Lock()
        self._keys: jwk.KeySet | None = None
        self._fetched_at, self._next_try_at = float("-inf"), float("-inf")

    async def current(self) -> jwk.KeySet:
        """Return keys at most ten minutes old, or an hour where the provider is away; raises KeysUnavailable."""
        if self._age_s() >= _SECONDS_KEPT:
            await self._refresh()
        return self._known()

    async def newer(self) -> jwk.KeySet:
        """Return keys fetched after a token named one that is not among them, if that is not too soon."""
        await self._refresh()
        return self._known()

    def _age_s(self) -> float:
        return self._now() - self._fetched_at

    def _known(self) -> jwk.KeySet:
        if self._keys is None or self._age_s() >= _SECONDS_WITHOUT_PROVIDER:
            raise KeysUnavailable("the identity provider's keys can't be fetched")
        return self._keys

    async def _refresh(self) -> None:
        async with self._turn:
            if self._now() < self._next_try_at:
                return
            try:
                url = self._provider.keys_url or await self._discovered()
                self._keys = public_keys(await self._fetch(url))
            except TransientFailure as failure:
                self._next_try_at = self._now() + _SECONDS_AFTER_FAILURE
                _log.warning("keys not fetched", extra={"reason": str(failure)})
            else:
                self._fetched_at = self._now()
                self._next_try_at = self._fetched_at + _SECONDS_BETWEEN_FETCHES

    async def _discovered(self) -> str:
        """Ask the issuer where its keys are (OpenID Connect Discovery 1.0 §4)."""
        body = await self._fetch(f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        found = _decoded(body, _Discovery)
        if found.issuer != self._provider.issuer:
            raise KeysUnavailable(
                "the discovery document is another issuer's: compare EMG_AUTH_ISSUER letter by letter"
            )
        if found.jwks_uri.startswith("http:") and not self._provider.issuer.startswith("http:"):
            raise KeysUnavailable("the discovery document has its keys fetched without TLS")
        return found.jwks_uri


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _Jwks(msgspec.Struct):
    keys: list[dict[str, Any]]


def public_keys(body: bytes) -> jwk.KeySet:
    """Parse a JWKS, without symmetric keys, with which anybody who reads it could sign; raises KeysUnavailable."""
    usable = [key for key in _decoded(body, _Jwks).keys if key.get("kty") in _ASYMMETRIC]
    try:
        return jwk.KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise KeysUnavailable(f"the identity provider's keys can't be read ({type(error).__name__})") from error


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeysUnavailable("the identity provider does not answer as one") from error
