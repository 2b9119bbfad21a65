"""The way to sessions: who calls, whether they may, and a line about it in the audit table."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request

from emg_api.access.audit import AuditTrail
from emg_api.access.callers import Access, Caller
from emg_api.problems import kind_of
from emg_api.refusals import BadReason, ResultNotFound, SessionNotFound
from emg_api.requests import session_key
from emg_session.audit import AuditEntry
from emg_session.database import StoredSession, SummaryStore
from emg_session.errors import Failure
from emg_session.logs import current_request_id

REASON_HEADER = "emg-reason"
REASON_PATTERN = r"^[ -~]{1,200}$"
_MOST_CHARACTERS = 200
_CLIENT_WENT_AWAY = 499


@dataclass(kw_only=True)
class Visit:
    """What a request turned out to be about, for the audit; `status` is that of its answer."""

    caller: Caller
    reason: str | None
    session_code: str | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    status: int = 500


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets callers through to what they may read, and no further."""

    summaries: SummaryStore
    access: Access
    audit: AuditTrail

    @contextmanager
    def audited(self, visit: Visit, operation: str) -> Iterator[None]:
        """Write the visit down once the block is over, also where it raises."""
        try:
            yield
        except Failure as failure:
            visit.status = kind_of(failure).status
            raise
        except asyncio.CancelledError:
            visit.status = _CLIENT_WENT_AWAY
            raise
        finally:
            self.audit.note(
                AuditEntry(
                    at=datetime.now(UTC),
                    caller=visit.caller.pseudonym,
                    operation=operation,
                    session_code=visit.session_code,
                    asked=visit.asked,
                    status=visit.status,
                    reason=visit.reason,
                    request_id=current_request_id(),
                )
            )

    async def visit(self, request: Request) -> Visit:
        """Find out who calls and why; raises what Access does, and BadReason."""
        caller = await self.access.identify(request)
        return Visit(caller=caller, reason=reason_of(request))

    async def session(self, visit: Visit, request: Request, profile: str | None = None) -> StoredSession:
        """Return the session that the path names by id or code; raises SessionNotFound, NotAllowed.

        With a profile its result is that of its recording with this profile; raises ResultNotFound.
        """
        key = session_key(request, "session_id")
        session = await self.summaries.find_session(key)
        visit.session_code = session.session_code if session else None
        # Asked also about what is not there: who may not see it learns nothing of that either.
        name, subject = (session.session_code, session.subject) if session else (key, None)
        await self.access.check_session(visit.caller, name, subject)
        if session is None:
            raise SessionNotFound("no session has this id or code")
        return session if profile is None else await self._with_result(session, profile)

    async def _with_result(self, session: StoredSession, profile: str) -> StoredSession:
        summary = await self.summaries.load_result(session.session_code, profile)
        if summary is None:
            raise ResultNotFound(f"the recording of session {session.session_code} has no result of this profile")
        return replace(session, profile=summary["profile"]["name"], analytics_summary=summary)

    async def readable(self, visit: Visit) -> frozenset[str] | None:
        """Return whose sessions the caller may list, None for everybody's; raises NotAllowed."""
        await self.access.check_list(visit.caller)
        return visit.caller.subjects


def reason_of(request: Request) -> str | None:
    """Return why the caller reads, where they say so; raises BadReason for what is long, or no plain text."""
    given = request.headers.getlist(REASON_HEADER)
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(REASON_PATTERN, given[0]):
        raise BadReason(f"the header {REASON_HEADER} may be given once, as up to 200 plain characters (ASCII)")
    return given[0]


def asked_of(request: Request, query: msgspec.Struct) -> dict[str, Any]:
    """Return what a request asks for, beside the session: its query, and what else its path names."""
    names = {name: _plain(str(value)) for name, value in request.path_params.items() if name != "session_id"}
    return {**names, **msgspec.to_builtins(query)}


def _plain(text: str) -> str:
    """Cut a text, without what PostgreSQL takes in no text."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:_MOST_CHARACTERS])
