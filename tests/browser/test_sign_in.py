"""Where EMG_AUTH asks for a token, the page does: a real signals API, and an identity provider of the test's own."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sessions
from tests.support.receivers import WebProcess
from tests.support.tokens import AUDIENCE, ISSUER, IdentityProvider
from tests.support.viewing import PATIENCE_MS, Clinic


@pytest.fixture(scope="module")
def provider() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture(scope="module")
def keys_url(provider: IdentityProvider) -> Iterator[str]:
    """Serve the provider's keys on this machine."""
    published = json.dumps({"keys": [key.as_dict(private=False) for key in provider.keys]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


@pytest.fixture(scope="module")
def guarded(
    api: WebProcess, clinic: Clinic, keys_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebProcess]:
    settings = {
        "EMG_AUTH": "oidc",
        "EMG_AUTH_ISSUER": ISSUER,
        "EMG_AUTH_AUDIENCE": AUDIENCE,
        "EMG_AUTH_KEYS_URL": keys_url,
    }
    assert api.url  # the same sessions, open to everybody
    with clinic.signals(tmp_path_factory.mktemp("guarded") / "signals.log", **settings) as program:
        yield program


@pytest.fixture
def page(browser: Browser, guarded: WebProcess) -> Iterator[Page]:
    with browser.new_context(base_url=guarded.url, locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Access token").fill(token)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()


def token(provider: IdentityProvider, **claims: object) -> str:
    return provider.token(exp=int(time.time()) + 600, **claims)


def test_a_token_opens_what_its_bearer_may_see(page: Page, provider: IdentityProvider, sessions: Sessions) -> None:
    page.goto(f"/#/sessions/{sessions.faulty}")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    sign_in(page, token(provider))
    page.wait_for_selector(".signals[data-loaded]")
    page.get_by_role("link", name="Sessions").click()
    expect(page.locator("tr[data-session]")).to_have_count(1)


def test_a_token_that_is_refused_is_asked_for_again(page: Page, provider: IdentityProvider, sessions: Sessions) -> None:
    page.goto("/")
    sign_in(page, token(provider, aud="somebody-else"))
    expect(page.get_by_role("dialog")).to_contain_text("Not a valid token")
    sign_in(page, token(provider, emg_subjects="*"))
    expect(page.locator(f"tr[data-session='{sessions.clean}']")).to_be_visible()


def test_a_token_is_the_tab_s_alone_and_ends_with_signing_out(page: Page, provider: IdentityProvider) -> None:
    page.goto("/")
    sign_in(page, token(provider))
    page.wait_for_selector("tr[data-session]")
    assert page.evaluate("() => Object.values(localStorage).concat(document.cookie).join('')") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    assert page.evaluate("() => sessionStorage.length") == 0


def test_what_a_bearer_may_not_see_is_told_in_words(page: Page, provider: IdentityProvider, sessions: Sessions) -> None:
    page.goto(f"/#/sessions/{sessions.clean}")
    sign_in(page, token(provider))
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".signals")).to_have_count(0)
