"""axe-core finds nothing on any view, dark or light; and nobody has to see colours, English or a pointer."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sessions
from tests.support.needs import require
from tests.support.receivers import WebProcess
from tests.support.viewing import VIEWER_MODULES

_AXE = VIEWER_MODULES / "axe-core" / "axe.min.js"

VIEWS: dict[str, Callable[[Sessions], str]] = {
    "list": lambda _: "",
    "session": lambda sessions: f"sessions/{sessions.faulty}",
    "report": lambda sessions: f"sessions/{sessions.faulty}/report",
    "compare": lambda sessions: f"compare/{sessions.faulty}/{sessions.clean}",
    "profiles": lambda sessions: f"compare/{sessions.clean}@ghostly-2/{sessions.clean}@standard-1",
}
_DRAWN = {"list": "tr[data-session]", "report": "article.report svg"}


def violations(page: Page) -> list[str]:
    """Return what axe finds, with where."""
    require(_AXE.exists(), "axe-core is not installed: run `make build`")
    page.evaluate(_AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(page: Page, sessions: Sessions, view: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"/#/{VIEWS[view](sessions)}")
    page.wait_for_selector(_DRAWN.get(view, ".signals[data-loaded]"))
    assert page.get_attribute("html", "data-theme") == scheme
    assert violations(page) == []


def test_axe_finds_nothing_in_the_help(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector("tr[data-session]")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and gestures")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_theme_can_be_chosen_and_stays(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Dark / light").click()
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"


@pytest.mark.parametrize(
    ("locale", "heading"),
    [("de-CH", "Sitzungen"), ("fr-BE", "Séances"), ("nl-NL", "Sessies"), ("ja-JP", "Sessions")],
)
def test_the_page_speaks_the_browser_s_language(browser: Browser, api: WebProcess, locale: str, heading: str) -> None:
    with browser.new_context(base_url=api.url, locale=locale) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert page.get_attribute("html", "lang") == {"ja-JP": "en"}.get(locale, locale[:2])


def test_a_plot_says_what_it_shows(page: Page, sessions: Sessions) -> None:
    page.goto(f"/#/sessions/{sessions.faulty}")
    expect(page.get_by_role("img", name="CH1 Raw: 12 contractions, 12 of them good, and 8 faults")).to_be_visible()
