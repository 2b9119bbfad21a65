"""How programs connect to PostgreSQL: the one place that reads EMG_DATABASE_URL, and no wait without an end."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from emg_session.errors import InvalidSettings
from emg_session.settings import required

CONNECT_SECONDS = 5
_IDLE_SECONDS = 60
_EXAMPLE = "postgresql://emg:password@host:5432/emg, with %XX for what is special in a password"


def database_url(env: Mapping[str, str], purpose: str = "where summaries are stored") -> str:
    """Return EMG_DATABASE_URL; raises InvalidSettings where it is missing or malformed."""
    url = required(env, "EMG_DATABASE_URL", purpose)
    _parsed(url)
    return url


def connection_options(url: str, *, statement_seconds: float | None = None) -> dict[str, Any]:
    """Return the arguments that connect to `url`; the network is given up on after some 25 s without a word.

    `statement_seconds` bounds each statement on the server's side. Raises InvalidSettings for a malformed URL.
    """
    given = _parsed(url)
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
    if statement_seconds is not None:
        # First, so that what the URL says wins.
        # A program whose node is gone holds its locks no longer than that.
        ended = f"-c idle_in_transaction_session_timeout={1000 * _IDLE_SECONDS}"
        limits = f"-c statement_timeout={round(1000 * statement_seconds)} {ended}"
        ours["options"] = f"{limits} {given.pop('options', '')}".strip()
    return ours | given


def _parsed(url: str) -> dict[str, Any]:
    """Parse; psycopg's own message and everything chained to it may hold the password."""
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        raise InvalidSettings(f"EMG_DATABASE_URL is no address of a PostgreSQL: it is like {_EXAMPLE}") from None
