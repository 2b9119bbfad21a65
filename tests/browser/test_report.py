"""The report: one page of paper, whatever there is to tell."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Sessions


def pages(pdf: bytes) -> list[bytes]:
    return re.findall(rb"/Type /Page\b(?!s)", pdf)


def opened(page: Page, code: str) -> None:
    page.goto(f"/#/sessions/{code}/report")
    page.wait_for_selector("article.report svg")


def with_muscles(count: int) -> Callable[[Route], None]:
    """Return what answers with a summary in which the first muscle is there so many times."""

    def answer(route: Route) -> None:
        response = route.fetch()
        summary: dict[str, Any] = response.json()
        summary["muscles"] = [summary["muscles"][0] | {"name": f"MUSCLE{number}"} for number in range(count)]
        summary["channels"] = [summary["channels"][0] | {"name": f"MUSCLE{number} Raw"} for number in range(count)]
        route.fulfill(response=response, json=summary)

    return answer


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("muscles", [None, 4, 16, 40])
def test_the_report_is_one_page(page: Page, sessions: Sessions, paper: str, muscles: int | None) -> None:
    if muscles:
        page.route("**/summary", with_muscles(muscles))
    opened(page, sessions.faulty)
    assert len(pages(page.pdf(format=paper))) == 1


def test_nothing_of_the_report_reaches_beyond_its_width_or_over_its_neighbour(page: Page, sessions: Sessions) -> None:
    page.route("**/summary", with_muscles(16))
    opened(page, sessions.faulty)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 717, "height": 979})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 717
    muscles, scores = (page.get_by_role("group", name=name).bounding_box() for name in ("Muscles", "Scores"))
    assert muscles is not None
    assert scores is not None
    assert scores["y"] >= muscles["y"] + muscles["height"] or scores["x"] >= muscles["x"] + muscles["width"]


def test_a_session_s_page_prints_on_several_without_its_controls(page: Page, sessions: Sessions) -> None:
    page.goto(f"/#/sessions/{sessions.faulty}")
    page.wait_for_selector(".signals[data-loaded]")
    assert len(pages(page.pdf(format="A4"))) > 1
    page.emulate_media(media="print")
    expect(page.get_by_role("toolbar", include_hidden=True)).to_be_hidden()


def test_the_report_of_a_session_that_waits_says_so(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.waiting)
    expect(page.locator("article.report")).to_contain_text("Not analysed yet")
