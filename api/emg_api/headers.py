"""Headers that keep browsers careful, and which other sites' pages may ask: EMG_CORS_ORIGINS, EMG_HSTS_SECONDS."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emg_api.access.gate import REASON_HEADER
from emg_session.errors import InvalidSettings
from emg_session.settings import integer, json_setting

_MOST_HSTS_SECONDS = 2 * 366 * 24 * 60 * 60
_PREFLIGHT_SECONDS = 600
_ASKED_WITH = ("Authorization", "If-None-Match", REASON_HEADER, "X-Request-Id", "traceparent")
_SHOWN = ("ETag", "Retry-After", "WWW-Authenticate", "X-Request-Id", "Link")
_EXAMPLE = '["https://viewer.example.org"]'


@dataclass(frozen=True, kw_only=True)
class HeaderSettings:
    """`cors_origins`: whose pages may read answers; `hsts_seconds`: how long browsers insist on TLS, 0: not at all."""

    cors_origins: tuple[str, ...] = ()
    hsts_seconds: int = 0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "HeaderSettings":
        """Read the settings; raises InvalidSettings."""
        text = env.get("EMG_CORS_ORIGINS") or "[]"
        origins = json_setting(text, tuple[str, ...], "EMG_CORS_ORIGINS", _EXAMPLE)
        for origin in origins:
            _check_origin(origin)
        hsts_seconds = integer(env, "EMG_HSTS_SECONDS", 0, least=0, most=_MOST_HSTS_SECONDS)
        return cls(cors_origins=origins, hsts_seconds=hsts_seconds)

    def middleware(self) -> list[Middleware]:
        """Return what adds the headers."""
        return [*self._cors(), Middleware(CarefulHeaders, hsts_seconds=self.hsts_seconds)]

    def _cors(self) -> list[Middleware]:
        """Tokens are sent by scripts, never by the browser itself: no credentials in the sense of CORS."""
        if not self.cors_origins:
            return []
        return [
            Middleware(
                CORSMiddleware,
                allow_origins=self.cors_origins,
                allow_methods=("GET", "HEAD"),
                allow_headers=_ASKED_WITH,
                expose_headers=_SHOWN,
                max_age=_PREFLIGHT_SECONDS,
            )
        ]


def _check_origin(origin: str) -> None:
    if not _is_origin(origin):
        raise InvalidSettings(
            f"EMG_CORS_ORIGINS holds {origin!r}: an origin is scheme, host and port, without * or path, like {_EXAMPLE}"
        )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    exact = text == f"{parts.scheme}://{parts.netloc}" and bool(parts.hostname) and "@" not in text
    return exact and parts.scheme in ("http", "https") and "*" not in text


class CarefulHeaders:
    """Middleware: no answer is sniffed, and none is kept by anybody unless it says so itself."""

    def __init__(self, app: ASGIApp, *, hsts_seconds: int) -> None:
        self._app = app
        self._defaults = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
        if hsts_seconds:
            self._defaults["strict-transport-security"] = f"max-age={hsts_seconds}; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, careful if scope["type"] == "http" else send)
