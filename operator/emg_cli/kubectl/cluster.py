"""The cluster that kubectl's own flags name, as far as these commands use it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from cyclopts import Parameter
from kubernetes.aio import client, config

from emg_operator.lease import LEASE_NAME
from emg_session.errors import ClusterUnavailable, InvalidSettings, PermanentFailure
from emg_session.resource import GROUP, PLURAL, SESSION_LABEL, SWEEP_ANNOTATION, VERSION
from emg_session.sessions import REQUEST_SECONDS, cluster_errors

_FORBIDDEN, _NOT_FOUND = 403, 404
_MERGE = "application/merge-patch+json"
_DEFAULT = "~/.kube/config"
_PAGE_OBJECTS = 500
_SECONDS_BETWEEN_LOOKS, _MOST_LOOKS = 0.5, 240


class NoSuchSession(PermanentFailure):
    """Nothing has that name there."""


class NotPermitted(PermanentFailure):
    """The caller's account may not do that."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """What kubectl takes on its own.

    Parameters
    ----------
    namespace
        Where the sessions are; without it, the context's.
    context
        Which context of the kubeconfig; without it, the current one.
    kubeconfig
        The file; without it, KUBECONFIG or ~/.kube/config.
    """

    namespace: Annotated[str | None, Parameter(name=("--namespace", "-n"))] = None
    context: str | None = None
    kubeconfig: str | None = None


HERE = Where()
Everywhere = Annotated[bool, Parameter(name=("--all-namespaces", "-A"), negative="")]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A connection; `namespace` is where commands look, "" for everywhere."""

    api: client.ApiClient
    namespace: str

    async def bodies(self) -> list[Mapping[str, Any]]:
        """Return every session's body, asked for page by page."""
        found, more = list[Mapping[str, Any]](), ""
        while True:
            with explained():
                page = await self._page(more)
            found += page["items"]
            more = page["metadata"].get("continue", "")
            if not more:
                return found

    async def body(self, name: str) -> Mapping[str, Any]:
        """Return a session's body; raises NoSuchSession."""
        with explained(name):
            found = await self._objects.get_namespaced_custom_object(
                *self._path, name, _request_timeout=REQUEST_SECONDS
            )
        return cast(Mapping[str, Any], found)

    async def merge(self, name: str, change: dict[str, Any]) -> None:
        """Merge a change into a session; raises NoSuchSession."""
        with explained(name):
            await self._objects.patch_namespaced_custom_object(
                *self._path,
                name,
                change,
                _content_type=_MERGE,
                _request_timeout=REQUEST_SECONDS,
            )

    async def delete(self, name: str, uid: str) -> None:
        """Delete this very session and return once it is gone; raises NoSuchSession."""
        only = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=uid))
        with explained(name):
            await self._objects.delete_namespaced_custom_object(
                *self._path, name, body=only, _request_timeout=REQUEST_SECONDS
            )
        await _until_gone(partial(self._has, name, uid), name)

    async def await_no_jobs(self, name: str) -> None:
        """Return once a session's Jobs are gone, which follow it by owner reference."""
        await _until_gone(partial(self._has_jobs, name), f"a Job of {name}")

    async def create(self, manifest: dict[str, Any], *, dry_run: str | None = None) -> None:
        """Create a session."""
        with explained():
            await self._objects.create_namespaced_custom_object(
                *self._path, manifest, dry_run=dry_run, field_validation="Strict", _request_timeout=REQUEST_SECONDS
            )

    async def try_create(self, manifest: dict[str, Any]) -> None:
        """Have the API server say whether it would take a session, under a name that is free."""
        metadata = manifest["metadata"] | {"name": f"{manifest['metadata']['name'][:50]}-again"}
        await self.create(manifest | {"metadata": metadata}, dry_run="All")

    async def ask_for_sweep(self, moment: str) -> None:
        """Leave the wish for a sweep on the operator's lease."""
        change = {"metadata": {"annotations": {SWEEP_ANNOTATION: moment}}}
        with explained(f"lease {LEASE_NAME}"):
            await client.CoordinationV1Api(self.api).patch_namespaced_lease(
                LEASE_NAME, self.namespace, change, _content_type=_MERGE, _request_timeout=REQUEST_SECONDS
            )

    async def pods(self, labels: str) -> list[str]:
        """Return the names of the pods that have these labels."""
        with explained():
            found = await client.CoreV1Api(self.api).list_namespaced_pod(
                self.namespace, label_selector=labels, _request_timeout=REQUEST_SECONDS
            )
        return [pod.metadata.name for pod in found.items if pod.metadata and pod.metadata.name]

    async def log(self, pod: str) -> str:
        """Return what a pod said."""
        with explained(pod):
            return str(
                await client.CoreV1Api(self.api).read_namespaced_pod_log(
                    pod, self.namespace, _request_timeout=REQUEST_SECONDS
                )
            )

    @property
    def _objects(self) -> client.CustomObjectsApi:
        return client.CustomObjectsApi(self.api)

    @property
    def _path(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, PLURAL

    async def _has_jobs(self, name: str) -> bool:
        with explained():
            found = await client.BatchV1Api(self.api).list_namespaced_job(
                self.namespace, label_selector=f"{SESSION_LABEL}={name}", _request_timeout=REQUEST_SECONDS
            )
        return bool(found.items)

    async def _has(self, name: str, uid: str) -> bool:
        try:
            return bool((await self.body(name))["metadata"]["uid"] == uid)
        except NoSuchSession:
            return False

    async def _page(self, more: str) -> dict[str, Any]:
        options: dict[str, Any] = {"limit": _PAGE_OBJECTS, "_request_timeout": REQUEST_SECONDS}
        options |= {"_continue": more} if more else {}
        if self.namespace:
            return cast(dict[str, Any], await self._objects.list_namespaced_custom_object(*self._path, **options))
        return cast(dict[str, Any], await self._objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, **options))


@asynccontextmanager
async def connected(where: Where, *, everywhere: bool = False) -> AsyncIterator[Cluster]:
    """Connect as kubectl would; raises InvalidSettings where there is no such context or file."""
    configuration = client.Configuration()
    _require_a_file(where.kubeconfig or os.environ.get("KUBECONFIG") or _DEFAULT)
    try:
        loader = await config.load_kube_config(where.kubeconfig, where.context, configuration)
    except (config.ConfigException, OSError) as error:
        raise InvalidSettings(f"no cluster to talk to ({error}): see `kubectl config get-contexts`") from error
    own = loader.current_context["context"].get("namespace") or "default"
    async with client.ApiClient(configuration) as api:
        yield Cluster(api=api, namespace="" if everywhere else where.namespace or own)


def _require_a_file(paths: str) -> None:
    """Refuse what the loader would tell of in a line of its own."""
    if not any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep)):
        raise InvalidSettings(f"no cluster to talk to: there is no kubeconfig {paths}; name one with --kubeconfig")


async def _until_gone(is_there: Callable[[], Awaitable[bool]], what: str) -> None:
    for _ in range(_MOST_LOOKS):
        if not await is_there():
            return
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    raise ClusterUnavailable(f"{what} is still being deleted: create the session again once it is gone")


@contextmanager
def explained(name: str = "") -> Iterator[None]:
    """Translate what a call to the API server raises; the server's own sentence tells which right is missing."""
    with cluster_errors():
        try:
            yield
        except client.ApiException as error:
            if error.status == _NOT_FOUND:
                raise NoSuchSession(f"there is no {name or 'EMGSession here'}: see `kubectl emg list -A`") from error
            if error.status == _FORBIDDEN:
                raise NotPermitted(f"your account may not do that here: {_sentence(error)}") from error
            raise


def _sentence(error: client.ApiException) -> str:
    try:
        return str(msgspec.json.decode(error.body or "{}").get("message") or error.reason)
    except (msgspec.DecodeError, AttributeError):
        return str(error.reason)
