"""Whether the cluster's definition of EMGSession has what this program writes: the fields tell, no version does."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
from kubernetes.aio import client
from msgspec.inspect import EnumType, StructType, Type, UnionType, VarTupleType, type_info

from emg_session.errors import PermanentFailure
from emg_session.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION, SessionSpec
from emg_session.sessions import REQUEST_SECONDS, cluster_errors
from emg_session.status import SessionStatus

_PATH = f"/openapi/v3/apis/{API_VERSION}"
_ADVICE = "apply the definition that belongs to this version: charts/emg-operator/files/emgsessions.crd.yaml"
_NOT_FOUND = 404
_MOST_NAMED = 5


class DefinitionMismatch(PermanentFailure):
    """The cluster has no definition of EMGSession, or that of another version."""


async def check_listed(api: client.CustomObjectsApi, namespace: str | None) -> None:
    """Raise ClusterUnavailable unless EMGSessions can be listed: without them kopf would wait in silence for ever."""
    with cluster_errors():
        if namespace is None:
            await api.list_cluster_custom_object(GROUP, VERSION, PLURAL, limit=1, _request_timeout=REQUEST_SECONDS)
        else:
            await api.list_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, limit=1, _request_timeout=REQUEST_SECONDS
            )


async def check_definition(api: client.CustomObjectsApi) -> None:
    """Raise DefinitionMismatch naming what the definition lacks, ClusterUnavailable where nobody answers."""
    properties = (await _fetch_schema(api)).get("properties", {})
    spec, status = properties.get("spec", {}), properties.get("status", {})
    lacking = [*_lacking(spec, type_info(SessionSpec), "spec"), *_lacking(status, type_info(SessionStatus), "status")]
    if lacking:
        raise DefinitionMismatch(f"the EMGSession definition lacks {', '.join(lacking[:_MOST_NAMED])}: {_ADVICE}")


async def _fetch_schema(api: client.CustomObjectsApi) -> Mapping[str, Any]:
    """Ask for what everybody may read; the definition itself would take rights in the whole cluster."""
    accept = {"Accept": "application/json"}
    with cluster_errors():
        request = await api.api_client.param_serialize(
            "GET", _PATH, header_params=accept, auth_settings=["BearerToken"]
        )
        response = await api.api_client.call_api(*request, _request_timeout=REQUEST_SECONDS)
        body = await response.read()
        if response.status == _NOT_FOUND:
            raise DefinitionMismatch(f"the cluster has no EMGSession: {_ADVICE}")
        if not response.status < _NOT_FOUND:
            raise client.ApiException(status=response.status, reason=response.reason)
    schemas: Mapping[str, Mapping[str, Any]] = msgspec.json.decode(body).get("components", {}).get("schemas", {})
    return next((schema for name, schema in schemas.items() if name.endswith(f".{KIND}")), {})


def _lacking(schema: Mapping[str, Any], kind: Type, path: str) -> Iterator[str]:
    match kind:
        case StructType(fields=fields):
            properties = schema.get("properties", {})
            for field in fields:
                at = f"{path}.{field.encode_name}"
                if field.encode_name in properties:
                    yield from _lacking(properties[field.encode_name], field.type, at)
                else:
                    yield at
        case VarTupleType(item_type=item):
            yield from _lacking(schema.get("items", {}), item, f"{path}[]")
        case UnionType(types=kinds):
            for one in kinds:
                yield from _lacking(schema, one, path)
        case EnumType(cls=words):
            yield from _lacking_words(schema, words, path)
        case _:
            return


def _lacking_words(schema: Mapping[str, Any], words: type[Enum], path: str) -> Iterator[str]:
    known = schema.get("enum")
    if known is not None:
        yield from (f"{path}={word.value}" for word in words if word.value not in known)
