"""A request as it came: what adapters see of the web."""

from collections.abc import Sequence
from dataclasses import dataclass

from emg_api.refusals import RepeatedHeader

_BEARER = "bearer "


@dataclass(frozen=True, kw_only=True)
class RawRequest:
    """Headers by lower-case name, in order; `body` is what signatures are about, `code` a parameter of the query."""

    headers: Sequence[tuple[str, str]]
    body: bytes
    code: str | None = None

    def header(self, name: str) -> str | None:
        """Return a header; raises RepeatedHeader, as two programs may see two different ones of them."""
        values = [value for given, value in self.headers if given == name]
        if len(values) > 1:
            raise RepeatedHeader(f"the request has {len(values)} headers {name}")
        return values[0] if values else None

    def bearer(self) -> str | None:
        """Return the bearer token (RFC 6750)."""
        value = self.header("authorization") or ""
        return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else None

    def media_type(self) -> str:
        """Return the body's type without its parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()
