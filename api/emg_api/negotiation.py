"""What a reader accepts: media types and content codings by their weights (RFC 9110 §12.5)."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from starlette.requests import Request

from emg_api.refusals import NotAcceptable


class MediaType(StrEnum):
    """What answers are written in."""

    JSON = "application/json"
    ARROW = "application/vnd.apache.arrow.stream"
    FLOAT32 = "application/octet-stream"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"


class Coding(StrEnum):
    """How an answer is packed; the first is the best."""

    ZSTD = "zstd"
    GZIP = "gzip"
    IDENTITY = "identity"


VARIES = {"vary": "accept, accept-encoding"}

_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_LEAST_WEIGHT = 0.0001  # less than any that can be written


def accepted_media_type(request: Request, offered: Sequence[MediaType]) -> MediaType:
    """Return the type that is liked best, of equals the first; raises NotAcceptable naming all that are offered."""
    weights = _weights(request, "accept") or {"*/*": 1.0}
    best = max(offered, key=lambda offer: _weight_of_type(offer, weights))
    if not _weight_of_type(best, weights):
        raise NotAcceptable(f"this can be had as {', '.join(offered)}")
    return best


def accepted_coding(request: Request) -> Coding:
    """Return the coding that is liked best, of equals the best packed; unpacked where nothing else will do."""
    weights = _weights(request, "accept-encoding")
    others = weights.get("*", 0.0)
    known = {coding: weights.get(coding, others) for coding in (Coding.ZSTD, Coding.GZIP)}
    known[Coding.IDENTITY] = weights.get(Coding.IDENTITY, others or _LEAST_WEIGHT)
    return max(Coding, key=lambda coding: known[coding]) if any(known.values()) else Coding.IDENTITY


def _weight_of_type(offer: str, weights: Mapping[str, float]) -> float:
    """Return the weight of the range that names a type most exactly."""
    ranges = (offer, f"{offer.partition('/')[0]}/*", "*/*")
    return next((weights[name] for name in ranges if name in weights), 0.0)


def _weights(request: Request, header: str) -> dict[str, float]:
    """Return what a header names with its weight; parameters other than q are passed over."""
    named: dict[str, float] = {}
    for part in ",".join(request.headers.getlist(header)).split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        if name:
            named[name] = max(named.get(name, 0.0), _weight(parameters))
    return named


def _weight(parameters: Sequence[str]) -> float:
    """Return the weight among parameters: 1 where there is none, 0 where it is no weight."""
    given = next((parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")), "1")
    return float(given) if _WEIGHT.fullmatch(given) else 0.0
