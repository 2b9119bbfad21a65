import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from emg_api.access import fetching
from emg_api.access.fetching import fetch_published
from emg_api.access.oidc import OidcAccess, Provider
from emg_api.refusals import KeysUnavailable
from tests.support.tokens import AUDIENCE, NOW_S, IdentityProvider
from tests.unit.api.test_oidc import bearing


async def published(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"keys": []}')


async def moved(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"location": "/keys"})


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(300):
        await answer.write(bytes(1024))
    return answer


async def silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    application = web.Application()
    for path, answer in (("/keys", published), ("/moved", moved), ("/endless", endless), ("/silent", silent)):
        application.router.add_get(path, answer)
    async with TestServer(application) as running:
        yield running


async def test_what_is_published_is_fetched_whole(server):
    assert await fetch_published(str(server.make_url("/keys"))) == b'{"keys": []}'


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/moved", "answered 302"),
        ("/nowhere", "answered 404"),
        ("/endless", "more than keys ever are"),
        ("/silent", "does not answer"),
    ],
)
async def test_anything_else_is_told_as_an_outage(server, monkeypatch, path, sentence):
    monkeypatch.setattr(fetching, "_SECONDS", 5.0 if path != "/silent" else 0.05)
    with pytest.raises(KeysUnavailable, match=sentence):
        await fetch_published(str(server.make_url(path)))


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/keys", "http://[", "nonsense"])
async def test_an_address_where_nobody_is_is_an_outage(address):
    with pytest.raises(KeysUnavailable):
        await fetch_published(address)


async def test_a_token_is_verified_with_keys_fetched_over_http():
    provider = IdentityProvider()

    async def document(request: web.Request) -> web.StreamResponse:
        return web.Response(body=await provider.fetch(request.path))

    application = web.Application()
    application.router.add_get("/{path:.*}", document)
    async with TestServer(application) as server:
        issuer = str(server.make_url("/")).rstrip("/")
        provider.discovery = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        access = OidcAccess(
            Provider(issuer=issuer, audience=AUDIENCE), fetch_published, wall_clock=lambda: float(NOW_S)
        )
        caller = await access.identify(bearing(f"Bearer {provider.token(iss=issuer)}"))
    assert caller.subjects == {"P001"}
