"""The documentation's pictures of the viewer, and how long its own take: `make pictures`, `make bench-viewer`."""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from emg_local.synth import synthesize
from tests.support.pictures import smaller
from tests.support.postgres import running_server
from tests.support.viewing import faulty_recording, opened_browser, opened_clinic

_WIDTH = 1000
_TURNS = 30
_DRAWN = ".signals[data-loaded]"

# From an event of the wheel to the frame after the window that it asked for was drawn.
_WHEEL = """async (turns) => {
  const signals = document.querySelector(".signals");
  const over = document.querySelector(".plot .u-over");
  const box = over.getBoundingClientRect();
  const took = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const before = signals.dataset.loaded;
    const started = performance.now();
    const inwards = turn % 6 < 3 ? -120 : 120;
    const event = { deltaY: inwards, clientX: box.left + 400, clientY: box.top + 20, bubbles: true, cancelable: true };
    over.dispatchEvent(new WheelEvent("wheel", event));
    while (signals.dataset.loaded === before && performance.now() - started < 5000)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    took.push(performance.now() - started);
  }
  return took;
}"""
# Frames while a pointer drags for two seconds, and the script's time in each.
_PAN = """async () => {
  const over = document.querySelector(".plot .u-over");
  const box = over.getBoundingClientRect();
  over.setPointerCapture = () => {};
  const send = (type, x) => over.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, button: 0, bubbles: true, clientX: box.left + x, clientY: box.top + 20 }));
  send("pointerdown", 600);
  const frames = [];
  const started = performance.now();
  for (let now = started; now < started + 2000; ) {
    send("pointermove", 600 + 250 * Math.sin((now - started) / 400));
    now = await new Promise((resolve) => requestAnimationFrame(resolve));
    frames.push(now);
  }
  send("pointerup", 600);
  return frames.slice(1).map((moment, place) => moment - frames[place]);
}"""


@contextmanager
def opened_page() -> Iterator[tuple[Page, str]]:
    """Yield a tab of a viewer with three sessions, and the code of the one with faults."""
    with (
        running_server() as server,
        tempfile.TemporaryDirectory() as folder,
        opened_clinic(server, Path(folder)) as clinic,
    ):
        clean = synthesize(seed=7, seconds=60, contractions=10)
        clinic.upload("P004/2026-11-24.c3d", clean)
        clinic.store("P004/2026-11-24.c3d", analysed=False)
        clinic.add("P002/2026-11-23.c3d", clean)
        code = clinic.add("P001/2026-11-25.c3d", faulty_recording())
        with clinic.signals(Path(folder) / "signals.log") as api, opened_browser() as browser:
            page = browser.new_page(base_url=api.url, viewport={"width": 1280, "height": 900}, locale="en-GB")
            page.goto("/")
            page.wait_for_selector("tr[data-session]")
            yield page, code


def take(page: Page, code: str, folder: Path) -> None:
    """Write list, session, faults and report."""
    save(page, folder / "list.png", page.screenshot(clip={"x": 0, "y": 0, "width": 1280, "height": 320}))
    page.goto(f"/#/sessions/{code}")
    page.wait_for_selector(_DRAWN)
    save(page, folder / "session.png", page.screenshot())
    page.get_by_role("button", name="Show CH2, contraction 7").click()
    page.wait_for_function("() => document.querySelector('.signals').dataset.loaded.split(' ')[1] < 70")
    page.evaluate("() => scrollTo(0, 0)")
    page.mouse.move(620, 480)
    page.wait_for_selector(".tooltip:not([hidden])")
    save(page, folder / "faults.png", page.screenshot())
    page.goto(f"/#/sessions/{code}/report")
    page.wait_for_selector("article.report svg")
    save(page, folder / "report.png", page.locator("article.report").screenshot())


def save(page: Page, path: Path, picture: bytes) -> None:
    """Write a picture at the documentation's width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(smaller(page, picture, _WIDTH))
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def measure(page: Page, code: str) -> None:
    """Print how long a turn of the wheel takes to its new picture, and how many frames a drag shows."""
    page.goto(f"/#/sessions/{code}")
    page.wait_for_selector(_DRAWN)
    page.evaluate(_WHEEL, 6)
    wheel = sorted(page.evaluate(_WHEEL, _TURNS))
    print(
        f"wheel to new picture, ms: median {statistics.median(wheel):.0f}, least {wheel[0]:.0f}, most {wheel[-1]:.0f}"
    )
    between = page.evaluate(_PAN)
    median = statistics.median(between)
    print(f"frames per second while panning: {1000 * len(between) / sum(between):.0f} (median frame {median:.1f} ms)")


def main(arguments: list[str]) -> None:
    """Take the pictures into the named folder; without one, measure."""
    with opened_page() as (page, code):
        if arguments:
            take(page, code, Path(arguments[0]))
        else:
            measure(page, code)


if __name__ == "__main__":
    main(sys.argv[1:])
