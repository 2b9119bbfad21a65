"""Every call to the Kubernetes API: Jobs, and a session's status and end."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, cast

import msgspec
from kubernetes.aio import client

from emg_operator.bodies import Body
from emg_operator.observed import Family
from emg_session.errors import PermanentFailure, TransientFailure
from emg_session.resource import GROUP, PLURAL, SESSION_LABEL, VERSION
from emg_session.sessions import REQUEST_SECONDS, already_exists, cluster_errors
from emg_session.status import SessionStatus

_NOT_FOUND, _CONFLICT = 404, 409
_REFUSALS = (400, 403, 422)
_PAGE_SESSIONS = 200


class StatusConflict(TransientFailure):
    """Somebody changed the session since we looked: look again, decide again."""


class SessionGone(TransientFailure):
    """The session was deleted meanwhile; nothing is left to do."""


class JobRefused(PermanentFailure):
    """The API server does not take the Job: a quota, a policy, or something in the session's spec."""


class StatusRefused(PermanentFailure):
    """The API server does not take the status: it breaks the resource's definition."""


class Cluster(Protocol):
    """What the operator asks of a cluster and does to it; everything raises ClusterUnavailable."""

    def list_sessions(self) -> AsyncIterator[Body]:
        """Return every session there is."""

    async def load_session(self, namespace: str, name: str) -> Body:
        """Return a session's body. Raises SessionGone."""

    async def load_family(self, namespace: str, name: str) -> Family:
        """Return a session with its Jobs. Raises SessionGone."""

    async def create_job(self, manifest: Body) -> Body | None:
        """Create a Job and return its body; None where one of that name is there. Raises JobRefused."""

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Stop this very Job: it stays until its pods are gone; none of that name and uid means done."""

    async def save_status(self, body: Body, status: SessionStatus) -> Body:
        """Write a session's whole status over the version in `body`; return the new body.

        Raises StatusConflict, SessionGone, StatusRefused.
        """

    async def delete_session(self, body: Body) -> None:
        """Remove a session as it is in `body`; its Jobs follow. Raises StatusConflict, SessionGone."""

    async def create_event(self, manifest: Body) -> None:
        """Tell people; having told them already means done."""


class KubernetesCluster:
    """The cluster this program talks to; it lists the sessions of one namespace, or of all."""

    def __init__(self, api: client.CustomObjectsApi, namespace: str | None) -> None:
        self._api = api
        self._namespace = namespace

    async def list_sessions(self) -> AsyncIterator[Body]:
        """Return every session, a page at a time."""
        more = ""
        while True:
            with cluster_errors():
                page = await self._list_page(more)
            for body in page["items"]:
                yield body
            more = page["metadata"].get("continue", "")
            if not more:
                return

    async def _list_page(self, more: str) -> Body:
        page: dict[str, Any] = {"limit": _PAGE_SESSIONS, "_continue": more, "_request_timeout": REQUEST_SECONDS}
        if self._namespace is None:
            return cast(Body, await self._api.list_cluster_custom_object(GROUP, VERSION, PLURAL, **page))
        return cast(
            Body, await self._api.list_namespaced_custom_object(GROUP, VERSION, self._namespace, PLURAL, **page)
        )

    async def load_session(self, namespace: str, name: str) -> Body:
        """Return a session's body."""
        with cluster_errors(), _of_the_session():
            body = await self._api.get_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, name, _request_timeout=REQUEST_SECONDS
            )
        return cast(Body, body)

    async def load_family(self, namespace: str, name: str) -> Family:
        """Return a session with its Jobs."""
        with cluster_errors():
            jobs = await self._api.list_namespaced_custom_object(
                "batch",
                "v1",
                namespace,
                "jobs",
                label_selector=f"{SESSION_LABEL}={name}",
                _request_timeout=REQUEST_SECONDS,
            )
        session = await self.load_session(namespace, name)
        return Family(session=session, jobs=cast(Body, jobs)["items"])

    async def create_job(self, manifest: Body) -> Body | None:
        """Create a Job."""
        namespace = manifest["metadata"]["namespace"]
        with cluster_errors():
            try:
                job = await self._api.create_namespaced_custom_object(
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
                if not already_exists(error):
                    raise
                return None
        return cast(Body, job)

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete a Job in the foreground, so that it is seen until its pods are gone."""
        options = _delete_options("Foreground", uid=uid)
        with cluster_errors():
            try:
                await self._api.delete_namespaced_custom_object(
                    "batch", "v1", namespace, "jobs", name, body=options, _request_timeout=REQUEST_SECONDS
                )
            except client.ApiException as error:
                if error.status not in (_NOT_FOUND, _CONFLICT):
                    raise

    async def save_status(self, body: Body, status: SessionStatus) -> Body:
        """Write a status; the resourceVersion in the patch makes the server refuse it if anything changed."""
        meta = body["metadata"]
        with cluster_errors(), _of_the_session():
            saved = await self._api.patch_namespaced_custom_object_status(
                GROUP,
                VERSION,
                meta["namespace"],
                PLURAL,
                meta["name"],
                {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": _merge_patch(body, status)},
                field_validation="Strict",
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_SECONDS,
            )
        return cast(Body, saved)

    async def delete_session(self, body: Body) -> None:
        """Delete a session unless it changed since."""
        meta = body["metadata"]
        options = _delete_options("Background", uid=meta["uid"], version=meta["resourceVersion"])
        with cluster_errors(), _of_the_session():
            await self._api.delete_namespaced_custom_object(
                GROUP,
                VERSION,
                meta["namespace"],
                PLURAL,
                meta["name"],
                body=options,
                _request_timeout=REQUEST_SECONDS,
            )

    async def create_event(self, manifest: Body) -> None:
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
                if not already_exists(error):
                    raise


def status_patch(body: Body, status: SessionStatus) -> dict[str, Any]:
    """Return the merge patch that leaves exactly this status: what is no longer told becomes null."""
    return _over(body.get("status"), msgspec.to_builtins(status))


def _merge_patch(body: Body, status: SessionStatus) -> dict[str, Any]:
    """Return the same for a server that merges a field that is an object, too, instead of replacing it."""
    old, patch = body.get("status") or {}, status_patch(body, status)
    return {name: _over(old.get(name), new) if isinstance(new, dict) else new for name, new in patch.items()}


def _over(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(set(old or {}) - set(new)) | dict(new)


def _delete_options(propagation: str, *, uid: str, version: str | None = None) -> client.V1DeleteOptions:
    """Delete exactly this object, in this version where one is named."""
    this_one = client.V1Preconditions(uid=uid, resource_version=version)
    return client.V1DeleteOptions(propagation_policy=propagation, preconditions=this_one)


@contextmanager
def _of_the_session() -> Iterator[None]:
    """Tell what an answer means for the session."""
    try:
        yield
    except client.ApiException as error:
        match error.status:
            case 409:
                raise StatusConflict("the session changed since it was read") from error
            case 404:
                raise SessionGone("the session is gone") from error
            case 400 | 422:
                raise StatusRefused(_said(error)) from error
        raise


def _said(error: client.ApiException) -> str:
    """Return the API server's own sentence, which names the field or the quota."""
    try:
        return str(msgspec.json.decode(error.body or "{}").get("message", error.reason))
    except (msgspec.DecodeError, AttributeError):
        return str(error.reason)
