"""What the signals API is told of its callers: EMG_AUTH and what goes with it."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from emg_api.access.callers import Access, OpenAccess
from emg_api.access.fetching import fetch_published
from emg_api.access.oidc import OidcAccess, Provider
from emg_api.metrics import Metrics
from emg_session.errors import InvalidSettings
from emg_session.pod import own_namespace
from emg_session.settings import integer, required

_DEFAULT_AUDIENCE = "emg-signals"
_DEFAULT_CLAIM = "emg_subjects"
_ALL_NAMESPACES = ""  # as a SubjectAccessReview says it
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OF_OIDC = ("EMG_AUTH_ISSUER", "EMG_AUTH_KEYS_URL", "EMG_AUTH_SUBJECTS_CLAIM")


class AuthMode(StrEnum):
    """Who says who may read: nobody, Kubernetes, an identity provider."""

    NONE = "none"
    KUBERNETES = "kubernetes"
    OIDC = "oidc"


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """How callers are known; `provider` is set in the mode oidc.

    `namespace` is where a right to sessions counts; "" where only one to those of all namespaces does.
    """

    mode: AuthMode
    audience: str = _DEFAULT_AUDIENCE
    namespace: str = "default"
    provider: Provider | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "AccessSettings":
        """Read the settings; raises InvalidSettings where they can't work, or would be counted on in vain."""
        mode = _mode(env)
        _refuse_what_does_nothing(env, mode)
        return cls(
            mode=mode,
            audience=env.get("EMG_AUTH_AUDIENCE") or _DEFAULT_AUDIENCE,
            namespace=_namespace(env),
            provider=_provider(env) if mode is AuthMode.OIDC else None,
        )


def _mode(env: Mapping[str, str]) -> AuthMode:
    value = required(env, "EMG_AUTH", "who may read signals: none (everybody), kubernetes or oidc")
    try:
        return AuthMode(value)
    except ValueError as error:
        raise InvalidSettings(f"EMG_AUTH is {value!r}: it may be none, kubernetes or oidc") from error


def _namespace(env: Mapping[str, str]) -> str:
    """Return where rights are asked for: the database does not say which namespace a session is in."""
    if integer(env, "EMG_CLUSTER_WIDE", 0, most=1) == 1:
        return _ALL_NAMESPACES
    return env.get("EMG_NAMESPACE") or own_namespace()


def _refuse_what_does_nothing(env: Mapping[str, str], mode: AuthMode) -> None:
    audience = ("EMG_AUTH_AUDIENCE",) if mode is AuthMode.NONE else ()
    in_vain = [name for name in (*_OF_OIDC, *audience) if env.get(name)] if mode is not AuthMode.OIDC else []
    if in_vain:
        raise InvalidSettings(f"{in_vain[0]} does nothing while EMG_AUTH is {mode}: remove it, or change EMG_AUTH")


def _provider(env: Mapping[str, str]) -> Provider:
    issuer = required(env, "EMG_AUTH_ISSUER", "whose tokens count, as in their claim iss")
    _check_address("EMG_AUTH_ISSUER", issuer)
    keys_url = env.get("EMG_AUTH_KEYS_URL") or None
    if keys_url:
        _check_address("EMG_AUTH_KEYS_URL", keys_url)
    return Provider(
        issuer=issuer,
        audience=required(
            env, "EMG_AUTH_AUDIENCE", "which tokens of the issuer are meant for us, as in their claim aud"
        ),
        keys_url=keys_url,
        subjects_claim=env.get("EMG_AUTH_SUBJECTS_CLAIM") or _DEFAULT_CLAIM,
    )


def _check_address(name: str, address: str) -> None:
    if not _is_safe(address):
        raise InvalidSettings(f"{name} has to be https://…, or whoever is in between could make tokens")


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


@asynccontextmanager
async def opened_access(settings: AccessSettings, metrics: Metrics) -> AsyncIterator[Access]:
    """Open what tells who callers are; raises InvalidSettings where there is no cluster to ask."""
    match settings:
        case AccessSettings(mode=AuthMode.KUBERNETES):
            async with _kubernetes_access(settings, metrics) as access:
                yield access
        case AccessSettings(provider=Provider() as provider):
            yield OidcAccess(provider, fetch_published, now=time.monotonic, wall_clock=time.time)
        case _:
            yield OpenAccess()


@asynccontextmanager
async def _kubernetes_access(settings: AccessSettings, metrics: Metrics) -> AsyncIterator[Access]:
    # 0.3 s and 50 MB, which the other modes spare.
    from emg_api.access.kubernetes import ClusterReviews, KubernetesAccess  # noqa: PLC0415
    from emg_session.sessions import connected_api  # noqa: PLC0415

    async with connected_api() as api:
        reviews = ClusterReviews(api, audience=settings.audience, namespace=settings.namespace)
        yield KubernetesAccess(reviews, metrics, now=time.monotonic, wall_clock=time.time)
