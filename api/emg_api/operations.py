"""An operation of the HTTP API as a value: routes, parsing and the OpenAPI document are all made from it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from emg_api.access.gate import Gate, asked_of
from emg_api.requests import OfProfile, check_path, parse_query
from emg_session.errors import Failure

Call = Callable[..., Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

# Where the route leaves the operation's name for who measures and logs requests.
OPERATION = "emg.operation"

_JSON = "application/json"


class NoQuery(msgspec.Struct, frozen=True):
    """An operation without parameters."""


@dataclass(frozen=True)
class Op:
    """One method of one path.

    `call` gets the request and, by name, what else the operation declares: `query`, parsed; `session`, the one that the
    path names, found and open to the caller, with the result that a query OfProfile asks for; for a `listing`,
    `readable`, the subjects whose sessions are open to them.
    Parameters beside these are refused, and so are repeated ones. `out` is the type of the answer, `{media type: type}`
    where it is no JSON, a tuple where it is one of several; `also` has the same of other successful statuses.
    """

    method: str
    path: str
    call: Call
    _: KW_ONLY
    params: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    # Another form of the query, chosen where a parameter is given that only it has.
    other_query: type[msgspec.Struct] | None = None
    body: Any = None
    status: int = 200
    out: Any = None
    also: Mapping[int, Any] = field(default_factory=dict)
    errors: Sequence[type[Failure]] = field(default=())
    session: bool = False
    listing: bool = False

    @property
    def name(self) -> str:
        """A name that no other operation has: endpoint group and method."""
        owner = getattr(self.call, "__self__", None)
        group = f"{type(owner).__name__.lower()}_" if owner is not None else ""
        return f"{group}{self.call.__name__}"

    @property
    def guarded(self) -> bool:
        """Whether it is about sessions, so that callers are asked who they are."""
        return self.session or self.listing

    @property
    def answers(self) -> Mapping[int, Mapping[str, Any]]:
        """Status → media type → type of the body."""
        return {status: _by_media(out) for status, out in ((self.status, self.out), *self.also.items())}


def routes(operations: Sequence[Op], gate: Gate | None) -> list[BaseRoute]:
    """Make the routes of a table, in its order; where none is about sessions, no gate is needed."""
    return [Route(op.path, _endpoint(op, gate), methods=[op.method], name=op.name) for op in operations]


def _endpoint(op: Op, gate: Gate | None) -> Endpoint:
    if not op.guarded:
        return _open(op)
    if gate is None:
        raise ValueError(f"{op.name} is about sessions and has no gate before it")
    return _guarded(op, gate)


def _open(op: Op) -> Endpoint:
    async def answer(request: Request) -> Response:
        request.scope[OPERATION] = op.name
        return await op.call(request, **_given(op, _parsed(op, request)))

    return answer


def _guarded(op: Op, gate: Gate) -> Endpoint:
    async def answer(request: Request) -> Response:
        request.scope[OPERATION] = op.name
        visit = await gate.visit(request)
        with gate.audited(visit, op.name):
            query = _parsed(op, request)
            visit.asked = asked_of(request, query)
            given = _given(op, query)
            if op.session:
                given["session"] = await gate.session(visit, request, _profile(query))
            if op.listing:
                given["readable"] = await gate.readable(visit)
            response = await op.call(request, **given)
            visit.status = response.status_code
            return response

    return answer


def _parsed(op: Op, request: Request) -> msgspec.Struct:
    """Return the query; raises BadPath, BadQuery."""
    if op.params:
        check_path(request, op.params)
    return parse_query(request, op.query or NoQuery, op.other_query)


def _given(op: Op, query: msgspec.Struct) -> dict[str, Any]:
    return {"query": query} if op.query not in (None, OfProfile) else {}


def _profile(query: msgspec.Struct) -> str | None:
    """Return which result of the session's recording is asked for, None for its own."""
    return query.profile if isinstance(query, OfProfile) else None


def _by_media(out: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever msgspec has a schema for
    if out is None:
        return {}
    return out if isinstance(out, Mapping) else {_JSON: out}
