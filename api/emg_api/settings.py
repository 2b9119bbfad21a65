"""What the two web programs take from their environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emg_api.access.settings import AccessSettings
from emg_api.adapters import supabase
from emg_api.headers import HeaderSettings
from emg_session.connections import database_url
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets
from emg_session.sessions import own_namespace
from emg_session.settings import integer, json_setting, required

_SECRETS_EXAMPLE = '{"supabase": ["a long random key"]}'


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
    """What the signals API needs."""

    web: WebSettings
    access: AccessSettings
    headers: HeaderSettings

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "SignalsSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            web=WebSettings.from_env(env),
            access=AccessSettings.from_env(env),
            headers=HeaderSettings.from_env(env),
        )


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """What the receiver needs."""

    web: WebSettings
    secrets: Mapping[str, Sequence[str]] = field(repr=False)
    namespace: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ReceiverSettings":
        """Read the settings; raises InvalidSettings, also where no sender could prove itself."""
        return cls(
            web=WebSettings.from_env(env),
            secrets=webhook_secrets(required(env, "EMG_WEBHOOK_SECRETS", "the keys that senders sign with")),
            namespace=env.get("EMG_NAMESPACE") or own_namespace(),
        )


def webhook_secrets(text: str) -> Mapping[str, Sequence[str]]:
    """Parse EMG_WEBHOOK_SECRETS; raises InvalidSettings where Supabase has no key or one is empty."""
    secrets = json_setting(text, dict[str, list[str]], "EMG_WEBHOOK_SECRETS", _SECRETS_EXAMPLE)
    if not secrets.get(supabase.SENDER):
        raise InvalidSettings(
            f"EMG_WEBHOOK_SECRETS has no key for {supabase.SENDER}, so every notice would be refused; "
            f"for example {_SECRETS_EXAMPLE}"
        )
    for keys in secrets.values():
        check_keys(keys, "EMG_WEBHOOK_SECRETS")
    return secrets


def check_keys(keys: Sequence[str], source: str) -> None:
    """Raise InvalidSettings for an empty key, with which anybody could sign."""
    if not all(key.strip() for key in keys):
        raise InvalidSettings(f"{source} holds an empty key: remove it or make it long and random")
