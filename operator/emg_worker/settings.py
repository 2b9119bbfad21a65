"""What the worker takes from its environment besides its contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emg_session.connections import database_url
from emg_session.recordings import Buckets
from emg_session.settings import integer, required


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """Where recordings and the database are, and whether a second reader is asked."""

    database_url: str
    buckets: Buckets
    cross_check: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "WorkerSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            database_url=database_url(env),
            buckets=Buckets.from_json(required(env, "EMG_BUCKETS", "which buckets may be read")),
            cross_check=integer(env, "EMG_CROSS_CHECK", 0) > 0,
        )


def termination_log(env: Mapping[str, str]) -> Path:
    """Return the file whose content Kubernetes keeps after the container is gone."""
    return Path(env.get("EMG_TERMINATION_LOG") or "/dev/termination-log")
