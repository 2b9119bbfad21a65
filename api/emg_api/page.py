"""The viewer: a page for people, served with headers that let it load nothing but itself."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from emg_api.refusals import BadPath

VIEWER_FOLDER = Path(__file__).parent / "viewer" / "dist"

_FILES = frozenset({"main.js", "main.css"})
_SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class AssetPath(msgspec.Struct, frozen=True):
    """A file of the bundle."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """The bundle that `make build` makes."""

    files: StaticFiles

    async def index(self, request: Request) -> Response:
        """GET /: the viewer."""
        return await self._file("index.html", request)

    async def asset(self, request: Request) -> Response:
        """GET /viewer/{name}: a file of the viewer."""
        name = request.path_params["name"]
        if name not in _FILES:
            raise BadPath("the viewer has no such file")
        return await self._file(name, request)

    async def _file(self, name: str, request: Request) -> Response:
        if not (VIEWER_FOLDER / name).exists():
            raise BadPath("the viewer is not built here: run `make build`")
        response = await self.files.get_response(name, request.scope)
        response.headers.update(_SECURITY)
        return response
