from collections.abc import AsyncIterator

import httpx2
import pytest

from emg_api.app import create_signals
from emg_api.headers import HeaderSettings
from emg_api.metrics import Metrics
from emg_session.errors import InvalidSettings

ORIGIN = "https://viewer.example.org"


@pytest.fixture
async def guarded(gate, recordings) -> AsyncIterator[httpx2.AsyncClient]:
    headers = HeaderSettings.from_env({"EMG_CORS_ORIGINS": f'["{ORIGIN}"]', "EMG_HSTS_SECONDS": "86400"})
    application = create_signals(recordings=recordings, gate=gate, metrics=Metrics(), headers=headers)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url="http://emg") as client:
        yield client


async def test_a_configured_origin_may_read_without_credentials(guarded):
    response = await guarded.get("/sessions", headers={"origin": ORIGIN})

    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in response.headers
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", ["https://viewer.example.org.evil.org", "http://viewer.example.org", "null"])
async def test_another_origin_may_not(guarded, origin):
    response = await guarded.get("/sessions", headers={"origin": origin})

    assert "access-control-allow-origin" not in response.headers


async def test_a_browser_may_ask_with_a_token(guarded):
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }

    response = await guarded.options("/sessions", headers=headers)

    assert response.status_code == 200
    assert "authorization" in response.headers["access-control-allow-headers"].lower()


async def test_nothing_may_be_asked_from_elsewhere_by_default(web):
    response = await web.get("/sessions", headers={"origin": ORIGIN})

    assert "access-control-allow-origin" not in response.headers
    assert "strict-transport-security" not in response.headers


async def test_browsers_insist_on_tls_where_told_to(guarded):
    assert (await guarded.get("/livez")).headers["strict-transport-security"] == "max-age=86400; includeSubDomains"


@pytest.mark.parametrize("path", ["/sessions", "/sessions/nobody", "/nowhere", "/livez", "/openapi.json"])
async def test_no_answer_is_sniffed_or_kept_by_others(web, path):
    response = await web.get(path)

    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "origins",
    [
        '["*"]',
        '["null"]',
        '["https://viewer.example.org/"]',
        '["https://*.example.org"]',
        '"https://a.org"',
        '["http://["]',
        '["https://"]',
        '["https://a@b.org"]',
        "x",
    ],
)
def test_what_is_no_exact_origin_is_refused(origins):
    with pytest.raises(InvalidSettings, match="EMG_CORS_ORIGINS"):
        HeaderSettings.from_env({"EMG_CORS_ORIGINS": origins})
