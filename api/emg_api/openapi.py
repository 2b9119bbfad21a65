"""The OpenAPI 3.1 document of a table of operations, with the types that parse and encode."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Any

import msgspec

from emg_api.access.gate import REASON_HEADER, REASON_PATTERN
from emg_api.operations import Op
from emg_api.problems import BUG, KINDS, Problem, ProblemKind
from emg_api.refusals import (
    BadAuthorization,
    BadPath,
    BadQuery,
    BadReason,
    InvalidToken,
    KeysUnavailable,
    NotAllowed,
    NoToken,
    SessionNotFound,
    TooBusy,
)
from emg_session.errors import ClusterUnavailable, DatabaseUnavailable, Failure

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_PROBLEM_MEDIA = "application/problem+json"
_ASKING = (KeysUnavailable, ClusterUnavailable, TooBusy)
_AT_THE_GATE = (NoToken, BadAuthorization, InvalidToken, NotAllowed, BadReason, *_ASKING)
_TOKEN = {"type": "http", "scheme": "bearer", "description": "What EMG_AUTH says: of Kubernetes, or of an OIDC issuer."}
_REASON = {
    "in": "header",
    "name": REASON_HEADER,
    "required": False,
    "description": "Why the caller reads, for the audit table.",
    "schema": {"type": "string", "pattern": REASON_PATTERN},
}
_DESCRIPTION = (
    "Errors are RFC 9457 problems. A problem's `type` never changes, its `advice` says what to do; "
    "those marked 503 are worth another try after Retry-After."
)


def document(operations: Sequence[Op], title: str) -> Json:
    """Build the document."""
    schemas = Schemas(operations)
    paths: dict[str, Json] = {}
    for op in operations:
        paths.setdefault(re.sub(r":\w+}", "}", op.path), {})[op.method.lower()] = _operation(op, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("emg-operator"), "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": {"token": _TOKEN}},
    }


class Schemas:
    """JSON schemas of all types that operations use; parameters are written out where they are used."""

    def __init__(self, operations: Sequence[Op]) -> None:
        bodies = [kind for op in operations for kind in _bodies(op)]
        records = [kind for op in operations for kind in (op.params, op.query, op.other_query) if kind is not None]
        _, self.components = msgspec.json.schema_components([Problem, *bodies], ref_template=_REF)
        self._parameters = {kind: self._properties(kind) for kind in records}

    def of(self, kind: Any) -> Json:  # noqa: ANN401 - whatever msgspec has a schema for
        """Return the schema of a body's type."""
        if kind is bytes:
            return {"type": "string"}
        if isinstance(kind, tuple):
            return {"anyOf": [self.of(one) for one in kind]}
        (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
        return schema

    def parameters(self, kind: type[msgspec.Struct], place: str) -> list[Json]:
        """Return the parameters that a record holds."""
        return [{"in": place, **parameter} for parameter in self._parameters[kind]]

    def _properties(self, kind: type[msgspec.Struct]) -> list[Json]:
        (schema,), components = msgspec.json.schema_components([kind], ref_template=_REF)
        record = components.pop(schema["$ref"].rpartition("/")[2])
        self.components |= components
        required = record.get("required", [])
        return [
            {"name": name, "required": name in required, "schema": schema}
            for name, schema in record["properties"].items()
        ]


def _operation(op: Op, schemas: Schemas) -> Json:
    summary = (op.call.__doc__ or op.name).strip().splitlines()[0]
    operation: Json = {
        "operationId": op.name,
        "summary": summary.rpartition(": ")[2] or summary,
        "parameters": _parameters(op, schemas),
        "responses": _successes(op, schemas) | _problems(op),
    }
    if op.guarded:
        # Or nothing, where EMG_AUTH is none.
        operation["security"] = [{}, {"token": []}]
        operation["parameters"].append(_REASON)
    if op.body is not None:
        content = {"application/json": {"schema": schemas.of(op.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(op: Op, schemas: Schemas) -> list[Json]:
    in_path = schemas.parameters(op.params, "path") if op.params else []
    in_query = schemas.parameters(op.query, "query") if op.query else []
    if op.other_query is None:
        return in_path + in_query
    both = {parameter["name"]: parameter for parameter in schemas.parameters(op.other_query, "query") + in_query}
    return in_path + [parameter | {"required": False} for parameter in both.values()]


def _bodies(op: Op) -> Iterator[Any]:
    """Yield every type of an operation's bodies."""
    of_answers = (kind for answer in op.answers.values() for kind in answer.values())
    for kind in (op.body, *of_answers):
        yield from kind if isinstance(kind, tuple) else () if kind is None else (kind,)


def _successes(op: Op, schemas: Schemas) -> Json:
    return {str(status): _success(status, answer, schemas) for status, answer in op.answers.items()}


def _success(status: int, answer: Mapping[str, Any], schemas: Schemas) -> Json:
    content = {media: {"schema": schemas.of(kind)} for media, kind in answer.items()}
    return {"description": HTTPStatus(status).phrase} | ({"content": content} if content else {})


def failures_of(op: Op) -> list[type[Failure]]:
    """Return every failure that an operation may answer with."""
    in_query: list[type[Failure]] = [BadQuery]
    in_path: list[type[Failure]] = [BadPath] if op.params else []
    of_session: list[type[Failure]] = [SessionNotFound, DatabaseUnavailable] if op.session else []
    of_caller = _AT_THE_GATE if op.guarded else ()
    return list(dict.fromkeys([*in_query, *in_path, *of_session, *of_caller, *op.errors]))


def _problems(op: Op) -> Json:
    kinds = sorted([BUG, *(KINDS[failure] for failure in failures_of(op))], key=lambda kind: (kind.status, kind.slug))
    statuses = groupby(kinds, key=lambda kind: kind.status)
    return {str(status.value): _problem(list(dict.fromkeys(told))) for status, told in statuses}


def _problem(kinds: Sequence[ProblemKind]) -> Json:
    """Describe an answer that is one of some kinds of problem."""
    # The router's own, where a part of the path holds a slash or a line's end.
    by_router = ["about:blank"] if kinds[0].status is HTTPStatus.NOT_FOUND else []
    types = {"properties": {"type": {"enum": [kind.type for kind in kinds] + by_router}}}
    schema = {"allOf": [{"$ref": _REF.format(name="Problem")}, types]}
    description = "\n".join(f"- `{kind.slug}`: {kind.title}. {kind.advice}" for kind in kinds)
    return {"description": description, "content": {_PROBLEM_MEDIA: {"schema": schema}}}
