"""Who calls, and what a way of finding out has to offer."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

_PSEUDONYM_CHARACTERS = 32


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody known by a pseudonym; `subjects` are all whose sessions the list may show, None for every one."""

    pseudonym: str
    subjects: frozenset[str] | None = None


ANYBODY = Caller(pseudonym="anybody")


class Access(Protocol):
    """A way to find out who calls and what they may read.

    Raises NoToken, BadAuthorization, InvalidToken, NotAllowed, or a TransientFailure where nobody can tell now.
    """

    async def identify(self, request: Request) -> Caller:
        """Return who calls."""

    async def check_list(self, caller: Caller) -> None:
        """Raise NotAllowed for who may list no sessions at all."""

    async def check_session(self, caller: Caller, name: str, subject: str | None) -> None:
        """Raise NotAllowed, or SessionNotFound where even its existence is not theirs to know."""


class OpenAccess:
    """Everybody may read everything."""

    async def identify(self, _request: Request) -> Caller:
        """Return anybody."""
        return ANYBODY

    async def check_list(self, _caller: Caller) -> None:
        """Allow it."""

    async def check_session(self, _caller: Caller, _name: str, _subject: str | None) -> None:
        """Allow it."""


def pseudonym(issuer: str, subject: str) -> str:
    """Name a caller in logs and the audit table without telling who that is.

    Who knows issuer and subject finds it again: the first 32 hexadecimal digits of sha256(issuer + newline + subject).
    """
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:_PSEUDONYM_CHARACTERS]
