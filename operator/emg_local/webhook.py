"""Posting a notice to a receiver, as storage would."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from emg_session.errors import PermanentFailure, TransientFailure

_SECONDS_FOR_AN_ANSWER = 30.0


class NoticeRefused(PermanentFailure):
    """The receiver does not take the notice."""


class ReceiverUnavailable(TransientFailure):
    """The receiver does not answer."""


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A signed notice: what to post and under which path of the receiver."""

    path: str
    headers: Mapping[str, str]
    body: bytes


async def post_notice(url: str, posting: Posting) -> dict[str, Any]:
    """Post a notice and return the answer; raises NoticeRefused, ReceiverUnavailable."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS_FOR_AN_ANSWER)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(url, data=posting.body, headers=posting.headers) as response,
        ):
            return _answer(response.status, await response.read())
    except aiohttp.InvalidURL as error:
        raise NoticeRefused(f"{url} is no address to post to: try http://127.0.0.1:8080") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ReceiverUnavailable(
            f"{url} does not answer ({type(error).__name__}); is the receiver running?"
        ) from error


def _answer(status: int, body: bytes) -> dict[str, Any]:
    if status >= 500:  # noqa: PLR2004 - HTTP's own number
        raise ReceiverUnavailable(f"the receiver answered {status}: {_excerpt(body)}")
    if status >= 300:  # noqa: PLR2004 - HTTP's own number
        raise NoticeRefused(f"the receiver answered {status}: {_excerpt(body)}")
    answer: dict[str, Any] = json.loads(body)
    return answer


def _excerpt(body: bytes) -> str:
    return " ".join(body[:300].decode(errors="replace").split())
