"""What the two web programs take from their environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emg_api.access.settings import AccessSettings
from emg_api.headers import HeaderSettings
from emg_api.senders import SenderSettings, parse_senders
from emg_session.connections import database_url
from emg_session.pod import own_namespace
from emg_session.recordings import Buckets
from emg_session.settings import integer, required


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """What both programs need."""

    database_url: str = field(repr=False)
    buckets: Buckets
    host: str
    port: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "WebSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            database_url=database_url(env),
            buckets=Buckets.from_json(required(env, "EMG_BUCKETS", "which buckets may be read")),
            host=env.get("EMG_HOST") or "0.0.0.0",  # noqa: S104 - a pod is reached on its own address
            port=integer(env, "EMG_PORT", 8080, least=0, most=65535),
        )


@dataclass(frozen=True, kw_only=True)
class SignalsSettings:
    """What the signals API needs; in `standings` namespace sessions tell why they have no result, None is nowhere."""

    web: WebSettings
    access: AccessSettings
    headers: HeaderSettings
    standings: str | None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "SignalsSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            web=WebSettings.from_env(env),
            access=AccessSettings.from_env(env),
            headers=HeaderSettings.from_env(env),
            standings=_namespace(env) if integer(env, "EMG_SESSION_STANDINGS", 0, most=1) == 1 else None,
        )


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """What the receiver needs."""

    web: WebSettings
    senders: tuple[SenderSettings, ...]
    namespace: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ReceiverSettings":
        """Read the settings; raises InvalidSettings, also where no sender could prove itself."""
        web = WebSettings.from_env(env)
        return cls(
            web=web,
            senders=senders_from_env(env, web.buckets),
            namespace=_namespace(env),
        )


def _namespace(env: Mapping[str, str]) -> str:
    return env.get("EMG_NAMESPACE") or own_namespace()


def senders_from_env(env: Mapping[str, str], buckets: Buckets) -> tuple[SenderSettings, ...]:
    """Read what is set for senders; raises InvalidSettings where none could prove itself."""
    options = env.get("EMG_SENDERS", "")
    keys = env.get("EMG_WEBHOOK_SECRETS", "")
    if not options:
        required(env, "EMG_WEBHOOK_SECRETS", "the keys that senders sign with")
    return parse_senders(keys, options, buckets)
