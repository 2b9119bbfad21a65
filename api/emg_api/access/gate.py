"""Who may read which session."""

from dataclasses import dataclass

from starlette.requests import Request

from emg_api.refusals import SessionNotFound
from emg_api.requests import session_key
from emg_session.database import StoredSession, SummaryStore


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets requests through to sessions."""

    summaries: SummaryStore

    async def session(self, request: Request) -> StoredSession:
        """Return the session that the path names by id or code; raises SessionNotFound."""
        session = await self.summaries.find_session(session_key(request, "session_id"))
        if session is None:
            raise SessionNotFound("no session has this id or code")
        return session
