"""How workers' pods differ from what the operator makes by itself: EMG_WORKER_POD."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec

from emg_session.resource import EMGSession
from emg_session.settings import json_setting

_EXAMPLE = '{"priorityClassName": "low", "nodeSelector": {"pool": "jobs"}, "imagePullSecrets": [{"name": "registry"}]}'


class WorkerPod(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """What an installation may say of workers' pods, by Kubernetes' names; what keeps them harmless is not among it."""

    service_account_name: str = ""
    priority_class_name: str = ""
    node_selector: dict[str, str] = {}
    tolerations: tuple[dict[str, Any], ...] = ()
    image_pull_secrets: tuple[dict[str, str], ...] = ()
    image_pull_policy: str = ""
    run_as_user: Annotated[int, msgspec.Meta(ge=1)] | None = 65_532

    @classmethod
    def from_json(cls, text: str) -> "WorkerPod":
        """Parse EMG_WORKER_POD; raises InvalidSettings."""
        return json_setting(text, cls, "EMG_WORKER_POD", _EXAMPLE)

    def spec(self) -> dict[str, Any]:
        """Return what goes into the pod's spec beside the operator's own."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in told.items() if name not in ("imagePullPolicy", "runAsUser")}

    def security(self) -> dict[str, Any]:
        """Return as whom the pod runs; without a number the cluster chooses, but never root."""
        identity = {} if self.run_as_user is None else {"runAsUser": self.run_as_user, "runAsGroup": self.run_as_user}
        return {"runAsNonRoot": True, **identity, "seccompProfile": {"type": "RuntimeDefault"}}

    def pull_policy(self) -> dict[str, str]:
        """Return when nodes ask the registry for the image, where that is set."""
        return {"imagePullPolicy": self.image_pull_policy} if self.image_pull_policy else {}


def in_queue(session: EMGSession, queue: str | None) -> EMGSession:
    """Have a session that names no queue wait in the installation's: EMG_WORKER_QUEUE."""
    if queue is None or session.spec.job.queue_name:
        return session
    job = msgspec.structs.replace(session.spec.job, queue_name=queue)
    return replace(session, spec=msgspec.structs.replace(session.spec, job=job))
