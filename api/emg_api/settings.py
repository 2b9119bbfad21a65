"""What the two web programs take from their environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emg_api.adapters import supabase
from emg_session.connections import database_url
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets
from emg_session.sessions import own_namespace
from emg_session.settings import integer, json_setting, required

_SECRETS_EXAMPLE = '{"supabase": ["a long random key"]}'


@dataclass(frozen=True, kw_only=True)
class SignalsSettings:
    """What the signals API needs."""

    database_url: str = field(repr=False)
    buckets: Buckets
    host: str
    port: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "SignalsSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            database_url=database_url(env),
            buckets=Buckets.from_json(required(env, "EMG_BUCKETS", "which buckets may be read")),
            host=env.get("EMG_HOST") or "0.0.0.0",  # noqa: S104 - a pod is reached on its own address
            port=integer(env, "EMG_PORT", 8080),
        )


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """What the receiver needs."""

    web: SignalsSettings
    secrets: Mapping[str, Sequence[str]] = field(repr=False)
    namespace: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ReceiverSettings":
        """Read the settings; raises InvalidSettings, also where no sender could prove itself."""
        return cls(
            web=SignalsSettings.from_env(env),
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
    if not all(key for keys in secrets.values() for key in keys):
        raise InvalidSettings("EMG_WEBHOOK_SECRETS holds an empty key: remove it or make it long and random")
    return secrets
