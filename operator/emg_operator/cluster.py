"""Every write to the Kubernetes API: a Job, and a session's status."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import msgspec
from kubernetes.aio import client

from emg_session.errors import Failure, PermanentFailure, TransientFailure
from emg_session.resource import GROUP, PLURAL, VERSION
from emg_session.sessions import REQUEST_SECONDS, cluster_errors, unavailable
from emg_session.status import SessionStatus

_CONFLICT = 409
_REFUSALS = (400, 403, 422)


class StatusConflict(TransientFailure):
    """Somebody changed the session since we looked: look again, decide again."""


class SessionGone(TransientFailure):
    """The session was deleted meanwhile; once its deletion is seen, nothing is left to do."""


class JobRefused(PermanentFailure):
    """The API server does not take the Job: a quota, a policy, or something in the session's spec."""


class StatusRefused(PermanentFailure):
    """The API server does not take the status: it breaks the resource's definition."""


class Cluster(Protocol):
    """What the operator does to a cluster."""

    async def create_job(self, manifest: dict[str, Any]) -> None:
        """Create a Job; one of that name being there already means done. Raises JobRefused, ClusterUnavailable."""

    async def save_status(self, body: Mapping[str, Any], status: SessionStatus) -> dict[str, Any]:
        """Write a session's whole status over the version in `body`; return the new body. Raises StatusConflict."""

    async def create_event(self, manifest: dict[str, Any]) -> None:
        """Tell people; having told them already means done. Raises ClusterUnavailable."""


class KubernetesCluster:
    """The cluster this program talks to."""

    def __init__(self, api: client.CustomObjectsApi) -> None:
        self._api = api

    async def create_job(self, manifest: dict[str, Any]) -> None:
        """Create a Job."""
        namespace = manifest["metadata"]["namespace"]
        with cluster_errors():
            try:
                await self._api.create_namespaced_custom_object(
                    "batch",
                    "v1",
                    namespace,
                    "jobs",
                    manifest,
                    field_validation="Strict",
                    _request_timeout=REQUEST_SECONDS,
                )
            except client.ApiException as error:
                if error.status in _REFUSALS:
                    raise JobRefused(_said(error)) from error
                if error.status != _CONFLICT:
                    raise

    async def create_event(self, manifest: dict[str, Any]) -> None:
        """Create an Event."""
        with cluster_errors():
            try:
                await self._api.create_namespaced_custom_object(
                    "events.k8s.io",
                    "v1",
                    manifest["metadata"]["namespace"],
                    "events",
                    manifest,
                    field_validation="Strict",
                    _request_timeout=REQUEST_SECONDS,
                )
            except client.ApiException as error:
                if error.status != _CONFLICT:
                    raise

    async def save_status(self, body: Mapping[str, Any], status: SessionStatus) -> dict[str, Any]:
        """Write a status; the resourceVersion in the patch makes the server refuse it if anything changed."""
        meta = body["metadata"]
        patch = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": msgspec.to_builtins(status)}
        with cluster_errors():
            try:
                saved = await self._api.patch_namespaced_custom_object_status(
                    GROUP,
                    VERSION,
                    meta["namespace"],
                    PLURAL,
                    meta["name"],
                    patch,
                    field_validation="Strict",
                    _content_type="application/merge-patch+json",
                    _request_timeout=REQUEST_SECONDS,
                )
            except client.ApiException as error:
                raise _status_failure(error) from error
        return cast(dict[str, Any], saved)


def _status_failure(error: client.ApiException) -> Failure:
    match error.status:
        case 409:
            return StatusConflict("the session changed since it was read")
        case 404:
            return SessionGone("the session is gone")
        case 400 | 422:
            return StatusRefused(_said(error))
        case _:
            return unavailable(error)


def _said(error: client.ApiException) -> str:
    """Return the API server's own sentence, which names the field or the quota."""
    try:
        return str(msgspec.json.decode(error.body or "{}").get("message", error.reason))
    except (msgspec.DecodeError, AttributeError):
        return str(error.reason)
