"""What is drawn, compared with small pictures kept beside; `make pictures` makes them anew."""

from playwright.sync_api import Page

from tests.browser.conftest import Sessions
from tests.support.pictures import MOST_MEAN_DIFFERENCE, assert_looks_like, difference


def stack(page: Page, code: str) -> bytes:
    page.goto(f"/#/sessions/{code}")
    page.wait_for_selector(".signals[data-loaded]")
    return page.locator(".stack").screenshot()


def test_the_plots_look_as_they_did(page: Page, sessions: Sessions) -> None:
    assert_looks_like(page, "session", stack(page, sessions.faulty))


def test_the_plots_look_as_they_did_in_the_dark(page: Page, sessions: Sessions) -> None:
    page.emulate_media(color_scheme="dark")
    assert_looks_like(page, "session-dark", stack(page, sessions.faulty))


def test_the_report_looks_as_it_did(page: Page, sessions: Sessions) -> None:
    page.goto(f"/#/sessions/{sessions.faulty}/report")
    page.wait_for_selector("article.report svg")
    assert_looks_like(page, "report", page.locator(".picture svg").screenshot())


def test_another_picture_is_told_from_it(page: Page, sessions: Sessions) -> None:
    faulty, clean = stack(page, sessions.faulty), stack(page, sessions.clean)

    assert difference(page, faulty, clean)[0] > 2 * MOST_MEAN_DIFFERENCE
