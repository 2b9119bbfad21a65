"""What the operator takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emg_operator.wanted import Wanted
from emg_operator.worker_pod import WorkerPod
from emg_session.pod import own_namespace
from emg_session.recordings import Buckets
from emg_session.settings import integer, required


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """Where to work, and what a Job gets where its session asks for nothing.

    `namespace` is where the operator's lease and the sweep's sessions are, also where all namespaces are watched.
    `most_jobs` 0 means no bound; `queue` is Kueue's, for sessions that name none. Without `buckets` nobody looks for a
    recording before its Job does.
    """

    namespace: str
    image: str
    cluster_wide: bool = False
    holder: str = "emg-operator"
    probe_port: int = 8081
    buckets: Buckets = field(default_factory=lambda: Buckets({}))
    sweep_seconds: int = 300
    sweep_settle_seconds: int = 60
    wanted: Wanted = field(default_factory=Wanted)
    worker_secrets: tuple[str, ...] = ()
    worker_pod: WorkerPod = field(default_factory=WorkerPod)
    queue: str | None = None
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
    retention_days: int = 0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "OperatorSettings":
        """Read the settings; raises InvalidSettings."""
        return cls(
            namespace=env.get("EMG_NAMESPACE") or own_namespace(),
            image=required(env, "EMG_WORKER_IMAGE", "which image Jobs run"),
            cluster_wide=integer(env, "EMG_CLUSTER_WIDE", 0, most=1) == 1,
            holder=env.get("HOSTNAME") or cls.holder,
            probe_port=integer(env, "EMG_PROBE_PORT", cls.probe_port, least=0, most=65_535),
            buckets=Buckets.from_json(env.get("EMG_BUCKETS") or "{}"),
            sweep_seconds=integer(env, "EMG_SWEEP_SECONDS", cls.sweep_seconds, least=0, most=86_400),
            wanted=Wanted.from_json(env.get("EMG_SENDERS") or "{}"),
            sweep_settle_seconds=integer(env, "EMG_SWEEP_SETTLE_SECONDS", cls.sweep_settle_seconds, most=86_400),
            worker_secrets=tuple(name.strip() for name in env.get("EMG_WORKER_SECRET", "").split(",") if name.strip()),
            worker_pod=WorkerPod.from_json(env.get("EMG_WORKER_POD") or "{}"),
            queue=env.get("EMG_WORKER_QUEUE") or None,
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
            retention_days=integer(env, "EMG_RETENTION_DAYS", cls.retention_days, most=36_500),
        )

    @property
    def watched_namespace(self) -> str | None:
        """The one namespace that is watched; None for all."""
        return None if self.cluster_wide else self.namespace
