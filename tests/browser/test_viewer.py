"""From the list to an exported file, in a real browser."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from emg_local.synth import synthesize
from tests.browser.conftest import HOSTILE, Sessions
from tests.support.viewing import Clinic

_PLOT = ".plot .u-over"
_SETTLED = """() => {
  const told = Number(document.querySelector(".edge.start").getAttribute("aria-valuenow"));
  return Math.abs(told - Number(document.querySelector(".signals").dataset.loaded.split(" ")[0])) < 0.001;
}"""
# Each band that is painted is a path of its own.
_COUNT_PAINTED = """() => {
  let count = 0;
  window.painted = () => count;
  window.Path2D = class extends Path2D { constructor(...parts) { super(...parts); count += 1; } };
}"""


def opened(page: Page, code: str) -> None:
    """Open a session and wait until its whole recording is drawn."""
    page.goto(f"/#/sessions/{code}")
    page.wait_for_selector(".signals[data-loaded]")


def windows(page: Page) -> list[Request]:
    """Return a list that grows with each request for a window."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/windows?" in request.url else None)
    return asked


def query(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url).query)


def loaded(page: Page) -> str:
    return str(page.eval_on_selector(".signals", "element => element.dataset.loaded"))


def span(page: Page) -> tuple[float, float]:
    start, end = (float(number) for number in loaded(page).split())
    return start, end


def zoom_in(page: Page) -> None:
    """Turn the wheel once over the middle of the first plot, and wait for the new picture."""
    before = loaded(page)
    page.locator(_PLOT).first.hover()
    page.mouse.wheel(0, -400)
    page.wait_for_function("before => document.querySelector('.signals').dataset.loaded !== before", arg=before)


def test_the_list_leads_to_a_session(page: Page, sessions: Sessions) -> None:
    page.goto("/")
    page.get_by_role("link", name=sessions.faulty).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(sessions.faulty)
    page.wait_for_selector(".signals[data-loaded]")
    assert page.locator(".plot canvas").count() == 4
    expect(page.get_by_text("For research use, not a medical device.").first).to_be_visible()


def test_search_and_filters_ask_the_api(page: Page, sessions: Sessions) -> None:
    page.goto("/")
    rows = page.locator("tr[data-session]")
    page.get_by_label("Search").fill("CLEAN.c3d")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(sessions.clean)
    page.get_by_label("Search").fill("")
    page.get_by_label("Status").select_option("waiting")
    expect(page.locator(f"tr[data-session='{sessions.waiting}']")).to_be_visible()
    expect(page.locator(f"tr[data-session='{sessions.clean}']")).to_have_count(0)


def test_a_new_session_appears_by_itself(page: Page, clinic: Clinic, sessions: Sessions) -> None:
    page.goto("/")
    page.wait_for_selector(f"tr[data-session='{sessions.clean}']")
    code = clinic.add("P009/late.c3d", synthesize(seed=9, seconds=12, contractions=2))
    expect(page.locator(f"tr[data-session='{code}']")).to_contain_text("analysed")


def test_a_list_that_did_not_change_is_not_sent_again(page: Page, sessions: Sessions) -> None:
    page.goto("/")
    page.wait_for_selector(f"tr[data-session='{sessions.clean}']")
    with page.expect_response(lambda response: "/sessions?" in response.url) as again:
        pass
    assert again.value.status == 304


def test_after_more_are_shown_new_sessions_still_appear_by_themselves(page: Page, clinic: Clinic) -> None:
    clinic.upload("P020/0.c3d", synthesize(seed=20, seconds=12, contractions=2))
    recording = (clinic.folder / "P020" / "0.c3d").read_bytes()
    for number in range(1, 55):
        (clinic.folder / "P020" / f"{number}.c3d").write_bytes(recording)
    clinic.receive(*(f"P020/{number}.c3d" for number in range(54)))
    with psycopg.connect(clinic.database_url) as connection:  # behind what other tests look for on the first page
        connection.execute(
            "UPDATE therapy_sessions SET created_at = created_at - interval '1 day' WHERE subject = 'P020'"
        )
    page.goto("/")
    rows = page.locator("tr[data-session]")
    with page.expect_response(lambda response: "search=P020" in response.url):
        page.get_by_label("Search").fill("P020")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(54)
    (code,) = clinic.receive("P020/54.c3d")
    expect(page.locator(f"tr[data-session='{code}']")).to_be_visible()
    expect(rows).to_have_count(55)


def test_a_narrow_screen_scrolls_to_every_column(page: Page, sessions: Sessions) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto("/")
    row = page.locator(f"tr[data-session='{sessions.clean}']")
    for column in ("recording", "created", "duration", "score", "profile"):
        row.locator(f".{column}").scroll_into_view_if_needed()
        expect(row.locator(f".{column}")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("view", ["sessions/{0}/report", "compare/{0}/{0}"])
def test_only_a_session_s_page_asks_for_all_its_results(page: Page, sessions: Sessions, view: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/#/{view.format(sessions.faulty)}")
    page.wait_for_selector("[data-shown]")
    assert [url for url in asked if url.endswith(f"/sessions/{sessions.faulty}")] != []
    assert [url for url in asked if url.endswith("/results")] == []


def test_a_session_is_opened_by_one_request_for_all_channels(page: Page, sessions: Sessions) -> None:
    asked = windows(page)
    opened(page, sessions.faulty)
    width = page.eval_on_selector(_PLOT, "element => element.clientWidth")

    (request,) = asked
    assert query(request) == {"start": ["0"], "end": ["75"], "width": [str(width)], "signals": ["raw,envelope"]}


def test_a_zoom_asks_for_that_window_at_the_screen_s_width_once(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    asked = windows(page)
    zoom_in(page)
    width = page.eval_on_selector(_PLOT, "element => element.clientWidth")

    (request,) = asked
    assert query(request)["width"] == [str(width)]
    start, end = (float(query(request)[name][0]) for name in ("start", "end"))
    assert (start, end) == span(page)
    assert 30 < (start + end) / 2 < 45
    assert 30 < end - start < 60


def test_many_turns_of_the_wheel_end_where_the_last_one_looks(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    asked = windows(page)
    page.locator(_PLOT).first.hover()
    for _ in range(12):
        page.mouse.wheel(0, -100)
    page.wait_for_function(
        """() => {
          const looked = Number(document.querySelector(".edge.end").getAttribute("aria-valuenow"));
          const drawn = Number(document.querySelector(".signals").dataset.loaded.split(" ")[1]);
          return looked < 60 && Math.abs(looked - drawn) < 0.002;
        }"""
    )

    assert len(asked) <= 12
    assert float(query(asked[-1])["end"][0]) == span(page)[1]


def test_the_wheel_scrolls_a_page_on_its_way_past_the_plots(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    page.locator(_PLOT).first.hover()
    page.mouse.wheel(0, 300)
    page.wait_for_function("() => scrollY > 100")
    assert loaded(page) == "0 75"


def test_a_wheel_that_does_not_zoom_does_with_ctrl(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    zoom_in(page)
    page.get_by_label("Wheel zooms").uncheck()
    before = loaded(page)
    page.locator(_PLOT).first.hover()
    page.mouse.wheel(0, 300)
    page.wait_for_function("() => scrollY > 100")
    assert loaded(page) == before
    page.evaluate("() => scrollTo(0, 0)")
    page.locator(_PLOT).first.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("before => document.querySelector('.signals').dataset.loaded !== before", arg=before)


def test_panning_moves_pictures_and_paints_none_anew(page: Page, sessions: Sessions) -> None:
    """So a frame costs four copies; the recording's bytes stay away meanwhile, or what they show would be painted."""
    opened(page, sessions.faulty)
    zoom_in(page)
    page.wait_for_function(_SETTLED)
    page.route("**/windows?*", lambda _: None)
    page.evaluate(_COUNT_PAINTED)
    box = page.locator(_PLOT).first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 600, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 610, box["y"] + 60)
    page.wait_for_function("() => window.painted() === 6")  # raw and envelope of two channels, activation of two
    page.mouse.move(box["x"] + 300, box["y"] + 60, steps=20)
    page.mouse.move(box["x"] + 800, box["y"] + 60, steps=20)
    assert page.evaluate("() => window.painted()") == 6
    page.mouse.up()


def test_keys_zoom_pan_and_show_all(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.clean)
    whole = loaded(page)
    for key in ("+", "+", "ArrowRight", "-", "0"):
        before = loaded(page)
        page.keyboard.press(key)
        page.wait_for_function("before => document.querySelector('.signals').dataset.loaded !== before", arg=before)
    assert loaded(page) == whole


def test_a_drag_moves_what_is_looked_at(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    zoom_in(page)
    start, end = span(page)
    box = page.locator(_PLOT).first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 600, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 60, steps=5)
    page.mouse.up()
    expected = start + 300 / box["width"] * (end - start)
    page.wait_for_function(
        "start => Math.abs(Number(document.querySelector('.signals').dataset.loaded.split(' ')[0]) - start) < 0.1",
        arg=expected,
    )
    assert abs((span(page)[1] - span(page)[0]) - (end - start)) < 0.01


def test_two_fingers_zoom(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    before = loaded(page)
    page.eval_on_selector(
        _PLOT,
        """over => {
          over.setPointerCapture = () => {};
          const box = over.getBoundingClientRect();
          const send = (type, pointerId, share) => over.dispatchEvent(new PointerEvent(type, {
            pointerId, button: 0, bubbles: true, clientX: box.left + share * box.width, clientY: box.top + 20 }));
          send("pointerdown", 1, 0.4); send("pointerdown", 2, 0.6);
          send("pointermove", 1, 0.2); send("pointermove", 2, 0.8);
          send("pointerup", 1, 0.2); send("pointerup", 2, 0.8);
        }""",
    )
    page.wait_for_function("before => document.querySelector('.signals').dataset.loaded !== before", arg=before)
    start, end = span(page)
    assert (round(start), round(end)) == (25, 50)


def test_the_strip_of_the_whole_recording_has_edges_for_the_keyboard(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.clean)
    page.get_by_role("slider", name="Start of the view").press("ArrowRight")
    page.wait_for_function("() => Number(document.querySelector('.signals').dataset.loaded.split(' ')[0]) > 0.19")
    expect(page.get_by_role("slider", name="Start of the view")).to_have_attribute("aria-valuenow", "0.200")


def test_a_contraction_tells_its_numbers_where_it_is_pointed_at(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.clean)
    page.get_by_role("button", name="Show CH1, contraction 1").click()
    page.wait_for_function("() => document.querySelector('.signals').dataset.loaded.split(' ')[1] < 19")
    page.locator(_PLOT).first.hover()

    tooltip = page.get_by_role("tooltip")
    expect(tooltip).to_contain_text("CH1, contraction 1")
    expect(tooltip).to_contain_text("✓ good")
    expect(tooltip).to_contain_text("Mean amplitude")
    expect(page.locator("tr.pointed")).to_contain_text("CH1, contraction 1")


def test_a_fault_is_explained_in_words(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    page.get_by_role("button", name="Standstill").first.click()
    page.wait_for_function("() => document.querySelector('.signals').dataset.loaded.split(' ')[1] < 30")
    page.locator(_PLOT).first.hover()

    expect(page.get_by_role("tooltip")).to_contain_text("as with a loose electrode")


def test_the_median_frequency_s_trend_and_the_spectrum_of_the_view_are_told(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    trend = page.get_by_role("img", name=re.compile(r"Hz per minute \(95 % confidence"))
    expect(trend.first).to_be_visible()
    page.get_by_role("button", name="Draw the spectrum of what is shown above").first.click()
    spectrum = page.get_by_role("img", name=re.compile("Raw signal, 0.00 to 75.00 s, Welch"))
    expect(spectrum.locator("canvas")).to_be_visible()


def test_scores_are_told_with_their_parts_and_what_is_missing(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    parts = page.get_by_role("group", name="Scores, 0 to 100").get_by_role("row")
    expect(parts).to_have_count(6)
    expect(parts.filter(has_text="Compliance")).to_contain_text("50.0 %")
    expect(page.get_by_text("Game is missing.")).to_be_visible()
    expect(page.get_by_text("was given to the other parts: it was not stated").first).to_be_visible()


def test_signals_and_channels_can_be_chosen(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.faulty)
    asked = windows(page)
    page.get_by_role("checkbox", name="RMS").check()
    page.get_by_text("Channels", exact=True).first.click()
    page.get_by_role("checkbox", name="CH2 activated").uncheck()
    expect(page.locator(".plot canvas")).to_have_count(3)
    page.wait_for_load_state("networkidle")

    assert query(asked[-1])["signals"] == ["raw,envelope,rms"]
    assert query(asked[-1])["channel"] == ["CH1 Raw", "CH2 Raw", "CH1 activated"]


def test_what_is_looked_at_can_be_exported(page: Page, sessions: Sessions, downloads: Path) -> None:
    opened(page, sessions.faulty)
    zoom_in(page)
    page.get_by_text("Export", exact=True).click()
    saved = {}
    for kind in ("png", "svg", "csv", "contractions"):
        with page.expect_download() as download:
            page.locator(f"[data-export={kind}]").click()
        saved[kind] = downloads / download.value.suggested_filename
        download.value.save_as(saved[kind])

    assert saved["png"].read_bytes().startswith(b"\x89PNG")
    svg = saved["svg"].read_text()
    assert svg.startswith("<svg")
    assert "CH2 activated" in svg
    lines = saved["csv"].read_text().splitlines()
    assert lines[0].startswith("time_s,CH1 Raw raw minimum (µV),CH1 Raw raw maximum (µV),CH1 Raw envelope minimum")
    assert float(lines[1].split(",")[0]) == round(span(page)[0], 6)
    assert saved["contractions"].read_text().startswith("muscle,contraction,start_sample")


def test_two_sessions_are_looked_at_together(page: Page, sessions: Sessions) -> None:
    page.goto("/")
    page.get_by_label(f"Choose {sessions.clean} for comparison").check()
    page.get_by_label(f"Choose {sessions.hostile} for comparison").check()
    page.get_by_role("button", name="Compare two").click()
    sides = page.locator(".signals")
    expect(sides).to_have_count(2)
    page.wait_for_function("() => document.querySelectorAll('.signals[data-loaded]').length === 2")
    page.keyboard.press("+")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.signals')].every(e => Number(e.dataset.loaded.split(' ')[0]) === 5)"
    )
    expect(page.get_by_role("cell", name="95th percentile").first).to_be_visible()


def test_two_profiles_of_one_recording_are_compared_from_its_page(page: Page, sessions: Sessions) -> None:
    """Another session has the same recording, analysed with the other profile."""
    opened(page, sessions.clean)
    page.get_by_role("link", name="Compare with standard-1").click()
    page.wait_for_function("() => document.querySelectorAll('.signals[data-loaded]').length === 2")
    one, other = page.locator(".side").all()
    expect(one).to_contain_text("ghostly-2")
    expect(other).to_contain_text("standard-1")
    expect(page.get_by_role("group", name="Measures side by side").locator("tr.differs").first).to_be_visible()


def test_another_profile_s_result_is_chosen_on_a_session_s_page(page: Page, sessions: Sessions) -> None:
    opened(page, sessions.clean)
    asked = windows(page)
    page.get_by_role("combobox", name="Profile").select_option(label="standard-1")
    page.wait_for_url("**@*")
    page.wait_for_selector(".signals[data-loaded]")
    expect(page.locator(".methods")).to_contain_text("standard-1")
    assert "profile" in query(asked[-1])


def test_a_session_that_waits_shows_signals_and_then_its_numbers(page: Page, clinic: Clinic) -> None:
    clinic.upload("P010/soon.c3d", synthesize(seed=11, seconds=12, contractions=2))
    opened(page, clinic.store("P010/soon.c3d", analysed=False))
    expect(page.get_by_text("Not analysed yet")).to_be_visible()
    clinic.store("P010/soon.c3d")
    expect(page.get_by_role("button", name="Show CH1, contraction 1")).to_be_visible()


def test_what_others_named_is_only_text(page: Page, sessions: Sessions) -> None:
    page.goto("/")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    opened(page, sessions.hostile)
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.locator("img").count() == 0
    assert re.match(r"Session emg-", page.title())


def test_addresses_of_before_still_lead_to_their_session(page: Page, sessions: Sessions) -> None:
    page.goto(f"/#{sessions.clean}/CH1%20Raw")
    expect(page.get_by_role("heading", level=1)).to_contain_text(sessions.clean)


def test_a_session_that_is_not_there_is_told_in_words(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/#/sessions/emg-nothing")
    expect(page.get_by_role("alert")).to_contain_text("No such session")
