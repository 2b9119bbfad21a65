"""A clinic with a faulty recording, a clean one, one that waits and one with a hostile name; and a browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from emg_api.page import VIEWER_FOLDER
from emg_local.synth import synthesize
from tests.support.needs import require
from tests.support.postgres import running_server
from tests.support.receivers import WebProcess
from tests.support.viewing import CHROMIUM, PATIENCE_MS, Clinic, faulty_recording, opened_browser, opened_clinic

HOSTILE = "<img src=x onerror=document.title=1>.c3d"


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Codes."""

    faulty: str
    clean: str
    waiting: str
    hostile: str


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    require((VIEWER_FOLDER / "index.html").exists(), "the viewer is not built: run `make build`")
    require(CHROMIUM.exists(), f"no Chromium at {CHROMIUM}: apt-get install chromium")


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with running_server() as server, opened_clinic(server, tmp_path_factory.mktemp("recordings")) as clinic:
        yield clinic


@pytest.fixture(scope="session")
def sessions(clinic: Clinic) -> Sessions:
    clean = synthesize(seed=7, seconds=20, contractions=4)
    clinic.upload("P004/waiting.c3d", clean)
    return Sessions(
        hostile=clinic.add(f"P002/{HOSTILE}", clean),
        waiting=clinic.store("P004/waiting.c3d", analysed=False),
        clean=clinic.add("P002/clean.c3d", clean, profile="ghostly-2"),
        faulty=clinic.add("P001/faulty.c3d", faulty_recording()),
    )


@pytest.fixture(scope="session")
def api(clinic: Clinic, sessions: Sessions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    assert sessions.faulty  # they are there before anybody looks
    with clinic.signals(tmp_path_factory.mktemp("logs") / "signals.log") as api:
        yield api


# Of a module, not of the session: the driver keeps an event loop running in this thread, which other suites need.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, api: WebProcess) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=api.url, viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC"
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which nothing may go wrong unheard."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
