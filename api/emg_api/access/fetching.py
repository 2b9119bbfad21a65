"""Fetching what an identity provider publishes, from the addresses that the settings name and nowhere else."""

from urllib.parse import urlsplit

import aiohttp

from emg_api.refusals import KeysUnavailable

_SECONDS = 5.0
_MOST_BYTES = 256 * 1024
_OK = 200


async def fetch_published(address: str) -> bytes:
    """Fetch a document, without following to elsewhere; raises KeysUnavailable."""
    host, timeout = "the address", aiohttp.ClientTimeout(total=_SECONDS)
    try:
        host = urlsplit(address).hostname or host
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, allow_redirects=False) as response,
        ):
            if response.status != _OK:
                raise KeysUnavailable(f"{host} answered {response.status}")
            return await _limited(response.content)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise KeysUnavailable(f"{host} does not answer ({type(error).__name__})") from error


async def _limited(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise KeysUnavailable("the identity provider answered more than keys ever are")
    return bytes(body)
