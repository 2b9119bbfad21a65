"""EMG_AUTH=kubernetes: who may `kubectl get` a session may see its signals."""

import base64
import hashlib
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from kubernetes.aio import client
from starlette.requests import Request

from emg_api.access.bearer import bearer_token
from emg_api.access.callers import Caller, pseudonym
from emg_api.access.kept import Kept
from emg_api.metrics import Metrics
from emg_api.refusals import InvalidToken, NotAllowed
from emg_api.turns import Turns
from emg_session.resource import GROUP, PLURAL
from emg_session.sessions import REQUEST_SECONDS, cluster_errors

ISSUER = "kubernetes"

_SECONDS_KEPT, _SECONDS_REFUSED = 60.0, 5.0


@dataclass(frozen=True, kw_only=True)
class KubernetesUser:
    """A user as a TokenReview tells it and a SubjectAccessReview wants to know it."""

    name: str
    uid: str | None
    groups: Sequence[str]
    extra: Mapping[str, Sequence[str]]


class Reviews(Protocol):
    """What Kubernetes has to say about tokens and rights; raises ClusterUnavailable."""

    async def user_of(self, token: str) -> KubernetesUser | None:
        """Return whose token it is; None where it is nobody's, or not meant for us."""

    async def may(self, user: KubernetesUser, verb: str, name: str | None) -> bool:
        """Whether a user may `get` one session, or `list` them."""


@dataclass(frozen=True, kw_only=True)
class KubernetesCaller(Caller):
    """A caller with what Kubernetes is to be asked about."""

    user: KubernetesUser
    token_hash: bytes


class KubernetesAccess:
    """Asks Kubernetes, and believes it for a minute at most; a refusal for five seconds."""

    def __init__(
        self,
        reviews: Reviews,
        metrics: Metrics,
        *,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._reviews = reviews
        self._wall_clock = wall_clock
        # Apart: unknown tokens are anybody's, questions about rights are those of callers with a known one.
        self._tokens_asked, self._rights_asked = Turns(), Turns()
        self._users = Kept[bytes, _Reviewed](
            is_refusal=lambda reviewed: reviewed.user is None, seconds=_seconds_known, now=now, metrics=metrics
        )
        self._rights = Kept[tuple[bytes, str, str | None], bool](
            is_refusal=operator.not_, seconds=_seconds_allowed, now=now, metrics=metrics
        )

    async def identify(self, request: Request) -> Caller:
        """Return whose token the request has.

        Raises InvalidToken where Kubernetes does not know it as meant for us, TooBusy, ClusterUnavailable.
        """
        token = bearer_token(request)
        token_hash = hashlib.sha256(token.encode()).digest()
        reviewed = await self._users.get(token_hash, lambda: self._review(token))
        if reviewed.user is None:
            raise InvalidToken("Kubernetes knows no such token for our audience, or not any more")
        user = reviewed.user
        return KubernetesCaller(pseudonym=pseudonym(ISSUER, user.name), user=user, token_hash=token_hash)

    async def check_list(self, caller: Caller) -> None:
        """Raise NotAllowed for who may not `list` sessions."""
        await self._check(caller, "list", None)

    async def check_session(self, caller: Caller, name: str, _subject: str | None) -> None:
        """Raise NotAllowed for who may not `get` the session, be it there or not."""
        await self._check(caller, "get", name)

    async def _check(self, caller: Caller, verb: str, name: str | None) -> None:
        if not isinstance(caller, KubernetesCaller):
            raise NotAllowed("the caller was not identified by Kubernetes")
        key = (caller.token_hash, verb, name)
        if not await self._rights.get(key, lambda: self._ask(caller.user, verb, name)):
            raise NotAllowed(f"your account may not {verb} {PLURAL}.{GROUP}{' of this name' if name else ''}")

    async def _review(self, token: str) -> "_Reviewed":
        async with self._tokens_asked.turn():
            user = await self._reviews.user_of(token)
        return _Reviewed(user, max(expiry(token) - self._wall_clock(), 0.0) if user else 0.0)

    async def _ask(self, user: KubernetesUser, verb: str, name: str | None) -> bool:
        async with self._rights_asked.turn():
            return await self._reviews.may(user, verb, name)


@dataclass(frozen=True)
class _Reviewed:
    user: KubernetesUser | None
    seconds_left: float


def _seconds_known(reviewed: _Reviewed) -> float:
    return min(_SECONDS_KEPT, reviewed.seconds_left) if reviewed.user else _SECONDS_REFUSED


def _seconds_allowed(allowed: bool) -> float:  # noqa: FBT001 - it is the answer itself
    return _SECONDS_KEPT if allowed else _SECONDS_REFUSED


class _Claims(msgspec.Struct):
    exp: float = float("inf")


def expiry(token: str) -> float:
    """Return when a token says it ends, in seconds since 1970; of what says nothing, never. It proves nothing."""
    parts = token.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "==")
        return msgspec.json.decode(payload, type=_Claims).exp
    except (IndexError, ValueError, RecursionError, msgspec.DecodeError):
        return float("inf")


class ClusterReviews:
    """Asks the API server, as an account that may create TokenReviews and SubjectAccessReviews.

    Rights are those in `namespace`; where it is "", those in all namespaces.
    """

    def __init__(self, api: client.ApiClient, *, audience: str, namespace: str) -> None:
        self._tokens = client.AuthenticationV1Api(api)
        self._rights = client.AuthorizationV1Api(api)
        self._audience = audience
        self._namespace = namespace

    async def user_of(self, token: str) -> KubernetesUser | None:
        """Create a TokenReview; `authenticated` is absent, not false, where a token is refused."""
        spec = client.V1TokenReviewSpec(token=token, audiences=[self._audience])
        with cluster_errors():
            review = await self._tokens.create_token_review(
                client.V1TokenReview(spec=spec), _request_timeout=REQUEST_SECONDS
            )
        return None if review.status is None else self._user(review.status)

    def _user(self, status: client.V1TokenReviewStatus) -> KubernetesUser | None:
        user = status.user
        if status.authenticated is not True or self._audience not in (status.audiences or ()):
            return None
        if user is None or not user.username:
            return None
        return KubernetesUser(name=user.username, uid=user.uid, groups=user.groups or (), extra=user.extra or {})

    async def may(self, user: KubernetesUser, verb: str, name: str | None) -> bool:
        """Create a SubjectAccessReview."""
        attributes = client.V1ResourceAttributes(
            group=GROUP, resource=PLURAL, verb=verb, namespace=self._namespace, name=name
        )
        spec = client.V1SubjectAccessReviewSpec(
            user=user.name,
            uid=user.uid,
            groups=list(user.groups),
            extra={key: list(values) for key, values in user.extra.items()},
            resource_attributes=attributes,
        )
        with cluster_errors():
            review = await self._rights.create_subject_access_review(
                client.V1SubjectAccessReview(spec=spec), _request_timeout=REQUEST_SECONDS
            )
        return review.status is not None and review.status.allowed is True
