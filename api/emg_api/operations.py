"""An operation of the HTTP API as a value: routes, parsing and the OpenAPI document are all made from it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from emg_api.access.gate import Gate
from emg_api.requests import check_path, parse_query
from emg_session.errors import Failure

Call = Callable[..., Awaitable[Response]]

# Where the route leaves the operation's name for who measures and logs requests.
OPERATION = "emg.operation"

_JSON = "application/json"


class NoQuery(msgspec.Struct, frozen=True):
    """An operation without parameters."""


@dataclass(frozen=True)
class Op:
    """One method of one path.

    `call` gets the request and, by name, what else the operation declares: `query`, parsed, and `session`, the one that
    the path names, found and open to the caller. Parameters beside these are refused, and so are repeated ones.
    `out` is the type of the answer, `{media type: type}` where it is no JSON, a tuple where it is one of several;
    `also` has the same of other successful statuses.
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

    @property
    def name(self) -> str:
        """A name that no other operation has: endpoint group and method."""
        owner = getattr(self.call, "__self__", None)
        group = f"{type(owner).__name__.lower()}_" if owner is not None else ""
        return f"{group}{self.call.__name__}"

    @property
    def answers(self) -> Mapping[int, Mapping[str, Any]]:
        """Status → media type → type of the body."""
        return {status: _by_media(out) for status, out in ((self.status, self.out), *self.also.items())}


def routes(operations: Sequence[Op], gate: Gate) -> list[BaseRoute]:
    """Make the routes of a table, in its order."""
    return [Route(op.path, _endpoint(op, gate), methods=[op.method], name=op.name) for op in operations]


def _endpoint(op: Op, gate: Gate) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        request.scope[OPERATION] = op.name
        return await op.call(request, **await _given(op, request, gate))

    return answer


async def _given(op: Op, request: Request, gate: Gate) -> dict[str, Any]:
    """Parse what a request brings; raises BadPath, BadQuery, SessionNotFound."""
    given: dict[str, Any] = {}
    if op.params:
        check_path(request, op.params)
    query = parse_query(request, op.query or NoQuery, op.other_query)
    if op.query:
        given["query"] = query
    if op.session:
        given["session"] = await gate.session(request)
    return given


def _by_media(out: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever msgspec has a schema for
    if out is None:
        return {}
    return out if isinstance(out, Mapping) else {_JSON: out}
