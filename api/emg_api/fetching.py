"""Fetching the public keys that senders' signatures are checked with. Never an address that a request brings."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from emg_api.refusals import SenderUnavailable

_SECONDS = 3.0
_MOST_BYTES = 256 * 1024


async def fetch_public(address: str) -> bytes:
    """Fetch https:// or file://, without following to elsewhere; raises SenderUnavailable."""
    parts = urlsplit(address)
    try:
        match parts.scheme:
            case "https":
                return await _fetch(address)
            case "file":
                return await asyncio.to_thread(Path(parts.path).read_bytes)
            case _:
                raise SenderUnavailable("keys are fetched by https only")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SenderUnavailable(f"{parts.hostname or parts.path} does not answer ({type(error).__name__})") from error


async def _fetch(address: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as client,
        client.get(address, allow_redirects=False) as response,
    ):
        if response.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise SenderUnavailable(f"{urlsplit(address).hostname} answered {response.status}")
        body = await response.content.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise SenderUnavailable(f"{urlsplit(address).hostname} answered more than keys ever are")
    return body
