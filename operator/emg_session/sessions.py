"""EMGSessions in a cluster, and how programs reach its API."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, cast

import aiohttp
import msgspec
from kubernetes.aio import client, config

from emg_session.errors import ClusterUnavailable, InvalidSettings, SessionRefused
from emg_session.pod import in_cluster
from emg_session.resource import GROUP, PLURAL, VERSION, EMGSession

REQUEST_SECONDS = 10.0
_LONGEST_RETRY_AFTER_S = 300.0
_NOT_FOUND = 404
_REFUSED = (400, 422)


class KubernetesSessions:
    """Sessions in one namespace of a cluster."""

    def __init__(self, api: client.CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    async def create(self, manifest: Mapping[str, Any]) -> bool:
        """Create a session; its name comes from its content, so 'already exists' means done."""
        with cluster_errors():
            try:
                await self._post(dict(manifest))
            except client.ApiException as error:
                if error.status in _REFUSED:
                    raise SessionRefused(f"the Kubernetes API refuses the session ({error.status})") from error
                if not already_exists(error):
                    raise
                return False
            return True

    async def _post(self, manifest: dict[str, Any]) -> None:
        """Create, and once more where the API server closed an idle connection just then."""
        try:
            await self._post_once(manifest)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            await self._post_once(manifest)

    async def _post_once(self, manifest: dict[str, Any]) -> None:
        await self._api.create_namespaced_custom_object(
            GROUP,
            VERSION,
            self._namespace,
            PLURAL,
            manifest,
            field_validation="Strict",
            _request_timeout=REQUEST_SECONDS,
        )

    async def load(self, name: str) -> EMGSession | None:
        """Return a session by name."""
        with cluster_errors():
            try:
                body = await self._api.get_namespaced_custom_object(
                    GROUP, VERSION, self._namespace, PLURAL, name, _request_timeout=REQUEST_SECONDS
                )
            except client.ApiException as error:
                if error.status != _NOT_FOUND:
                    raise
                return None
        return EMGSession.from_body(cast(Mapping[str, Any], body))


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Translate what a call to the API server raises."""
    try:
        yield
    except client.ApiException as error:
        raise unavailable(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ClusterUnavailable(f"the Kubernetes API does not answer ({type(error).__name__})") from error


class _Told(msgspec.Struct):
    """The answer to a refused call (a Kubernetes Status)."""

    reason: str = ""


def already_exists(error: client.ApiException) -> bool:
    """Whether a create was refused because the object is there; a quota's conflict, also a 409, means: not now."""
    try:
        return msgspec.json.decode(error.body or "{}", type=_Told).reason == "AlreadyExists"
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def unavailable(error: client.ApiException) -> ClusterUnavailable:
    """Translate an answer that means: not now; a server that is busy says for how long (429, 503)."""
    failure = ClusterUnavailable(f"the Kubernetes API answered {error.status} {error.reason}")
    failure.refused = error.status == HTTPStatus.FORBIDDEN
    seconds = (error.headers or {}).get("Retry-After", "")
    if seconds.isdecimal():
        failure.again_after_s = min(float(seconds), _LONGEST_RETRY_AFTER_S)
    return failure


@asynccontextmanager
async def connected_api(*traces: aiohttp.TraceConfig) -> AsyncIterator[client.ApiClient]:
    """Connect as the pod's service account, or as KUBECONFIG says outside a cluster; raises InvalidSettings."""
    configuration = client.Configuration()
    configuration.trace_configs = list(traces)
    # The generated client looks proxies up in a thread at every request unless told not to: half its CPU.
    configuration.client_session_kwargs = {"trust_env": False}
    try:
        if in_cluster():
            config.load_incluster_config(configuration)
        else:
            await config.load_kube_config(client_configuration=configuration)
    except config.ConfigException as error:
        raise InvalidSettings(f"no cluster to talk to ({error}): set KUBECONFIG, or run in a pod") from error
    async with client.ApiClient(configuration) as api:
        yield api


@asynccontextmanager
async def connected_cluster(*traces: aiohttp.TraceConfig) -> AsyncIterator[client.CustomObjectsApi]:
    """Connect, to work with sessions; raises InvalidSettings."""
    async with connected_api(*traces) as api:
        yield client.CustomObjectsApi(api)
