"""What the operator takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from emg_session.recordings import Buckets
from emg_session.sessions import own_namespace
from emg_session.settings import integer, required


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """Where to work, what a Job gets where its session asks for nothing, and how long things are waited for or kept.

    `most_jobs` 0 means no bound. Without `buckets` nobody looks for a recording before its Job does.
    """

    namespace: str
    image: str
    worker_secret: str | None = None
    cpu_millis: int = 100
    memory_mib: int = 128
    most_memory_mib: int = 4096
    deadline_seconds: int = 600
    most_attempts: int = 10
    retry_seconds: int = 30
    most_jobs: int = 0
    trouble_grace_seconds: int = 60
    object_wait_seconds: int = 3_600
    failed_ttl_seconds: int = 2_592_000
    job_ttl_seconds: int = 86_400
    buckets: Buckets | None = None

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
            most_jobs=integer(env, "EMG_MAX_CONCURRENT_JOBS", cls.most_jobs, most=100_000),
            trouble_grace_seconds=integer(env, "EMG_TROUBLE_GRACE_SECONDS", cls.trouble_grace_seconds, most=86_400),
            object_wait_seconds=integer(env, "EMG_OBJECT_WAIT_SECONDS", cls.object_wait_seconds, most=604_800),
            failed_ttl_seconds=integer(env, "EMG_FAILED_TTL_SECONDS", cls.failed_ttl_seconds, most=315_360_000),
            job_ttl_seconds=integer(env, "EMG_JOB_TTL_SECONDS", cls.job_ttl_seconds, least=60, most=31_536_000),
            buckets=Buckets.from_json(env["EMG_BUCKETS"]) if env.get("EMG_BUCKETS") else None,
        )
