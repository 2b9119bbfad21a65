"""Probes: /livez says the program runs, /readyz that it can do its work."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from emg_api.responses import json_response
from emg_session.database import SummaryStore
from emg_session.errors import DatabaseUnavailable


@dataclass(frozen=True, kw_only=True)
class Health:
    """The receiver works without a database (the worker writes the row later), the signals API does not."""

    summaries: SummaryStore
    needs_database: bool

    async def alive(self, _request: Request) -> Response:
        """GET /livez."""
        return json_response({"alive": True})

    async def ready(self, _request: Request) -> Response:
        """GET /readyz: a problem where the database is on another schema or, if needed, away."""
        try:
            await self.summaries.check_schema()
        except DatabaseUnavailable:
            if self.needs_database:
                raise
            return json_response({"ready": True, "database": "away"})
        return json_response({"ready": True, "database": "ok"})
