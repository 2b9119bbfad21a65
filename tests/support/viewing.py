"""The viewer as people have it: the signals API as a process, a database, a folder of recordings, Debian's Chromium."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, expect, sync_playwright

from emg_local.postgres import Postgres
from emg_local.synth import SyntheticRecording, synthesize, write_recording
from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore, open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, SessionSpec, session_name
from emg_worker.work import Worker
from tests.support.needs import require
from tests.support.postgres import fresh_database
from tests.support.receivers import WebProcess, web_process

CHROMIUM = Path("/usr/bin/chromium")
VIEWER_MODULES = Path(__file__).resolve().parents[2] / "api/emg_api/viewer/node_modules"
BUCKET = "recordings"
# Playwright's own are 5 and 30 s, which machines of two processors may take to draw a page.
PATIENCE_MS = 180_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """A database and a folder of recordings; `add` does what receiver and worker do."""

    database_url: str
    folder: Path

    def add(self, key: str, recording: SyntheticRecording, **spec: Any) -> str:
        """Upload a recording and return the code of its session, which is analysed already."""
        self.upload(key, recording)
        return self.store(key, **spec)

    def upload(self, key: str, recording: SyntheticRecording) -> None:
        """Put a recording into the folder."""
        write_recording(recording, self.folder / key)

    def store(self, key: str, *, analysed: bool = True, **spec: Any) -> str:
        """Store what receiver and, where it is analysed, worker would; return the session's code."""
        return _apart(lambda: asyncio.run(self._store(key, analysed=analysed, **spec)))

    def receive(self, *keys: str) -> list[str]:
        """Store what the receiver would of recordings that are there; return their sessions' codes."""
        return _apart(lambda: asyncio.run(self._receive(*keys)))

    async def _receive(self, *keys: str) -> list[str]:
        async with open_summaries(self.database_url, answer_seconds=120) as summaries:
            return [await self._received(key, summaries) for key in keys]

    async def _received(self, key: str, summaries: SummaryStore) -> str:
        name, spec = await self._named(key, RecordingStore(self.buckets))
        await summaries.save_received(name, spec, None)
        return name

    async def _store(self, key: str, *, analysed: bool, **spec: Any) -> str:
        recordings = RecordingStore(self.buckets)
        name, wanted = await self._named(key, recordings, **spec)
        async with open_summaries(self.database_url, answer_seconds=120) as summaries:
            await summaries.save_received(name, wanted, None)
            if analysed:
                await self._analyse(name, wanted, recordings, summaries)
        return name

    async def _named(self, key: str, recordings: RecordingStore, **spec: Any) -> tuple[str, SessionSpec]:
        uri = f"file://{self.folder}/{key}"
        head = await recordings.read(uri)
        reference = RecordingRef(uri=uri, version=head.version, size_bytes=len(head.data))
        wanted = SessionSpec(recording=reference, **{"subject": key.partition("/")[0], "profile": "standard-1"} | spec)
        return session_name(uri, head.version), wanted

    async def _analyse(
        self, name: str, wanted: SessionSpec, recordings: RecordingStore, summaries: SummaryStore
    ) -> None:
        contract = WorkerContract(session_name=name, spec=wanted)
        await Worker(contract, recordings, summaries).run()

    @property
    def buckets(self) -> Buckets:
        """The one bucket."""
        return Buckets({BUCKET: f"file://{self.folder}"})

    @contextmanager
    def signals(self, log: Path, **settings: str) -> Iterator[WebProcess]:
        """Run the signals API while the block runs."""
        own = {
            "EMG_DATABASE_URL": self.database_url,
            "EMG_BUCKETS": json.dumps({BUCKET: f"file://{self.folder}"}),
            "EMG_AUTH": "none",
        }
        with web_process("signals", log, own | settings) as program:
            yield program


def _apart(work: Callable[[], T]) -> T:
    """Run in a thread: a browser driven from this one keeps its event loop running."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


@contextmanager
def opened_clinic(server: Postgres, folder: Path) -> Iterator[Clinic]:
    """Yield a clinic with an empty database of its own."""
    with fresh_database(server) as url:
        migrate.upgrade(url)
        yield Clinic(database_url=url, folder=folder)


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Yield Debian's Chromium, or skip: playwright's own can't be had everywhere."""
    expect.set_options(timeout=PATIENCE_MS)
    require(CHROMIUM.exists(), f"no Chromium at {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), timeout=PATIENCE_MS)
        yield browser
        browser.close()


def faulty_recording(seconds: float = 75.0) -> SyntheticRecording:
    """Return the recording with faults of every kind that tests and pictures show."""
    return synthesize(seed=3, seconds=seconds, faults=True)
