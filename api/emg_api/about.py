"""What a program tells about itself: its metrics, and what it answers to."""

from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.metrics import Metrics

EXPOSITION_MEDIA = "text/plain"


@dataclass(kw_only=True)
class About:
    """Two endpoints; `document` describes them too, so it is filled in once the table of operations is made."""

    metrics: Metrics
    document: dict[str, object] = field(default_factory=dict)

    async def measured(self, _request: Request) -> Response:
        """GET /metrics: in Prometheus's text format."""
        return Response(self.metrics.exposition(), media_type=f"{EXPOSITION_MEDIA}; version=0.0.4")

    async def described(self, _request: Request) -> Response:
        """GET /openapi.json: this document."""
        return Response(msgspec.json.encode(self.document), media_type="application/json")
