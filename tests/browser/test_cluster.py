"""Where sessions live in Kubernetes: its tokens open the page, and the page says why a session has no result."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from emg_local.synth import synthesize
from emg_session.resource import RecordingRef, build_session, build_spec
from tests.browser.conftest import Sessions
from tests.support.api_server import ApiServer, running_api_server
from tests.support.receivers import WebProcess
from tests.support.viewing import PATIENCE_MS, Clinic

NAMESPACE = "clinic"
AUDIENCE = "emg-signals"
READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader", "namespace": NAMESPACE},
    "rules": [{"apiGroups": ["emg.ghostly"], "resources": ["emgsessions"], "verbs": ["get", "list"]}],
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api_server(tmp_path_factory.mktemp("api-server") / "state") as server:
        server.make_namespace(NAMESPACE)
        server.apply(READER)
        for name in ("reader", "stranger"):
            server.kubectl("create", "serviceaccount", name, "--namespace", NAMESPACE)
        subject = f"--serviceaccount={NAMESPACE}:reader"
        server.kubectl("create", "rolebinding", "reader", "--role=reader", subject, "--namespace", NAMESPACE)
        yield server


@pytest.fixture(scope="module")
def failed(cluster: ApiServer, clinic: Clinic, sessions: Sessions) -> str:
    """The code of a session whose recording is no C3D file, as the operator left it."""
    assert sessions.clean  # the list has others, too
    (clinic.folder / "P011").mkdir()
    (clinic.folder / "P011" / "letter.c3d").write_text("no recording")
    return kept_session(cluster, clinic, "P011/letter.c3d", "False", "BadRecording", "exit code 10: byte 1 is 0x6f")


@pytest.fixture(scope="module")
def queued(cluster: ApiServer, clinic: Clinic) -> str:
    """The code of a session that waits for a place."""
    clinic.upload("P012/later.c3d", synthesize(seed=12, seconds=12, contractions=2))
    return kept_session(cluster, clinic, "P012/later.c3d", "Unknown", "Queued", "8 Jobs run, as many as may")


def kept_session(cluster: ApiServer, clinic: Clinic, key: str, *condition: str) -> str:
    """Store a session that has no result, and make its EMGSession with this condition Succeeded."""
    code = clinic.store(key, analysed=False)
    recording = RecordingRef(uri=f"file://{clinic.folder}/{key}", version="1")
    manifest = build_session(build_spec(recording, key), namespace=NAMESPACE)
    cluster.apply(manifest | {"metadata": {"name": code, "namespace": NAMESPACE}})
    tell(cluster, code, *condition)
    return code


def tell(cluster: ApiServer, code: str, status: str, reason: str, message: str) -> None:
    """Say where a session stands, as the operator does."""
    condition = {
        "type": "Succeeded",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-03-02T10:00:00Z",
        "observedGeneration": 1,
    }
    patch = json.dumps({"status": {"conditions": [condition]}})
    cluster.kubectl(
        "patch", "emgsession", code, "-n", NAMESPACE, "--subresource=status", "--type=merge", f"--patch={patch}"
    )


@pytest.fixture(scope="module")
def signals(cluster: ApiServer, clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    settings = {
        "EMG_AUTH": "kubernetes",
        "EMG_NAMESPACE": NAMESPACE,
        "EMG_SESSION_STANDINGS": "1",
        "KUBECONFIG": str(cluster.account(NAMESPACE, "emg-signals")),
    }
    with clinic.signals(tmp_path_factory.mktemp("cluster") / "signals.log", **settings) as program:
        yield program


@pytest.fixture
def page(browser: Browser, signals: WebProcess) -> Iterator[Page]:
    with browser.new_context(base_url=signals.url, locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def token_of(cluster: ApiServer, account: str, *options: str) -> str:
    return cluster.kubectl("create", "token", account, "--namespace", NAMESPACE, *options).strip()


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Access token").fill(token)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()


def opened(page: Page, cluster: ApiServer, address: str = "/") -> None:
    """Open the page as the reader."""
    page.goto(address)
    sign_in(page, token_of(cluster, "reader", "--audience", AUDIENCE))


def test_a_pasted_token_of_kubernetes_opens_the_page(page: Page, cluster: ApiServer, sessions: Sessions) -> None:
    opened(page, cluster, f"/#/sessions/{sessions.faulty}")
    page.wait_for_selector(".signals[data-loaded]")


def test_a_token_that_is_not_for_us_or_may_not_list_is_told_in_words(page: Page, cluster: ApiServer) -> None:
    page.goto("/")
    sign_in(page, token_of(cluster, "reader"))
    expect(page.get_by_role("dialog")).to_contain_text("Not a valid token")
    sign_in(page, token_of(cluster, "stranger", "--audience", AUDIENCE))
    expect(page.get_by_role("alert")).to_contain_text("your account may not list emgsessions")


def test_the_list_says_why_a_session_failed_and_why_another_waits(
    page: Page, cluster: ApiServer, failed: str, queued: str
) -> None:
    opened(page, cluster)
    row = page.locator(f"tr[data-session='{failed}']")
    expect(row).to_contain_text("can't be analysed")
    expect(row).to_contain_text("it is no C3D file, is cut off, has no EMG channel or is too short")
    expect(page.locator(f"tr[data-session='{queued}']")).to_contain_text("As many Jobs run as may at a time")


def test_the_list_tells_by_itself_that_a_session_goes_on(page: Page, cluster: ApiServer, queued: str) -> None:
    opened(page, cluster)
    row = page.locator(f"tr[data-session='{queued}']")
    expect(row).to_contain_text("queued")
    tell(cluster, queued, "Unknown", "Running", "the worker runs")
    expect(row).to_contain_text("being analysed")
    tell(cluster, queued, "Unknown", "Queued", "8 Jobs run, as many as may")


def test_a_failed_session_s_page_says_why_and_what_to_do(page: Page, cluster: ApiServer, failed: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened(page, cluster, f"/#/sessions/{failed}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("can't be analysed")
    standing = page.locator(".standing")
    expect(standing).to_contain_text("Why there is no result")
    expect(standing).to_contain_text(re.compile("What to do.*Check the file with `emg probe`"))
    expect(standing).to_contain_text("exit code 10: byte 1 is 0x6f")
    assert [text for text in said if "401" not in text] == []  # the browser itself tells of the missing token


def test_what_is_looked_at_stays_while_where_a_session_stands_changes(
    page: Page, cluster: ApiServer, queued: str
) -> None:
    opened(page, cluster, f"/#/sessions/{queued}")
    page.wait_for_selector(".signals[data-loaded]")
    whole = page.get_attribute(".signals", "data-loaded")
    zoom = page.get_by_role("button", name="Zoom in")
    zoom.click()
    page.wait_for_function("whole => document.querySelector('.signals').dataset.loaded !== whole", arg=whole)
    zoomed = page.get_attribute(".signals", "data-loaded")
    tell(cluster, queued, "Unknown", "Running", "the worker runs")
    expect(page.get_by_role("heading", level=1)).to_contain_text("being analysed")
    expect(page.locator(".standing")).to_contain_text("the worker runs")
    assert page.get_attribute(".signals", "data-loaded") == zoomed
    expect(zoom).to_be_focused()
    tell(cluster, queued, "Unknown", "Queued", "8 Jobs run, as many as may")


def test_a_session_that_failed_is_not_asked_for_again(page: Page, cluster: ApiServer, failed: str) -> None:
    page.clock.install()
    opened(page, cluster, f"/#/sessions/{failed}")
    expect(page.locator(".standing")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(10):
        page.clock.run_for(31_000)
    assert asked == []


def test_why_is_told_in_the_reader_s_language(
    browser: Browser, signals: WebProcess, cluster: ApiServer, failed: str
) -> None:
    with browser.new_context(base_url=signals.url, locale="de-DE") as context:
        page = context.new_page()
        page.goto(f"/#/sessions/{failed}")
        page.get_by_label("Zugangstoken").fill(token_of(cluster, "reader", "--audience", AUDIENCE))
        page.get_by_role("dialog").get_by_role("button").click()
        expect(page.locator(".standing")).to_contain_text("Die Datei lässt sich nicht auswerten")
