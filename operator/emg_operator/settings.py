"""What the operator takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from emg_session.sessions import own_namespace
from emg_session.settings import integer, required


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """Where to work, and what a Job gets where its session asks for nothing."""

    namespace: str
    image: str
    worker_secret: str | None = None
    cpu_millis: int = 100
    memory_mib: int = 128
    most_memory_mib: int = 4096
    deadline_seconds: int = 600
    most_attempts: int = 10
    retry_seconds: int = 30

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "OperatorSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            namespace=env.get("EMG_NAMESPACE") or own_namespace(),
            image=required(env, "EMG_WORKER_IMAGE", "which image Jobs run"),
            worker_secret=env.get("EMG_WORKER_SECRET") or None,
            cpu_millis=integer(env, "EMG_WORKER_CPU_MILLIS", cls.cpu_millis, least=1, most=64_000),
            memory_mib=integer(env, "EMG_WORKER_MEMORY_MIB", cls.memory_mib, least=16, most=65_536),
            most_memory_mib=integer(env, "EMG_WORKER_MOST_MEMORY_MIB", cls.most_memory_mib, least=16, most=65_536),
            deadline_seconds=integer(env, "EMG_WORKER_DEADLINE_SECONDS", cls.deadline_seconds, least=1, most=86_400),
            most_attempts=integer(env, "EMG_WORKER_MOST_ATTEMPTS", cls.most_attempts, least=1, most=10),
            retry_seconds=integer(env, "EMG_WORKER_RETRY_SECONDS", cls.retry_seconds, least=1, most=3_600),
        )
