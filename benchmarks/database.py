"""How long people wait for the database with 100,000 sessions, and what a session takes on disk."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore, open_summaries
from emg_session.listing import SessionFilter
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support import many_sessions
from tests.support.needs import SHARED
from tests.support.postgres import fresh_database, running_server
from tests.support.recordings import synthetic_recording

ROUNDS, COPIES = 50, 200
TABLES = ("analysis_results", "provenance", "scores", "channels", "muscles", "contractions", "faults", "recordings")
SIZES = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY (%s) ORDER BY 2 DESC"
COPY_RESULTS = """
INSERT INTO analysis_results (file_hash, parameters, analytics_summary)
SELECT md5(file_hash || n), parameters, analytics_summary FROM analysis_results, generate_series(2, %s) AS n
"""


async def median_ms(ask: Callable[[], Awaitable[object]]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


async def waits(url: str) -> None:
    async with open_summaries(url) as store, await psycopg.AsyncConnection.connect(url) as connection:
        for name, wanted in {"newest 50": SessionFilter(), "50 of a subject": SessionFilter(subject="P0042")}.items():
            print(f"{name:<40}{await median_ms(lambda wanted=wanted: store.list_sessions(50, wanted)):8.2f} ms")
        latest = "SELECT session_code FROM therapy_sessions WHERE subject = 'P0042' ORDER BY created_at DESC LIMIT 1"
        for name, statement in {
            "latest of a subject": latest,
            f"latest of each of {many_sessions.SUBJECTS} subjects": "SELECT * FROM latest_sessions",
        }.items():
            print(f"{name:<40}{await median_ms(lambda s=statement: connection.execute(s)):8.2f} ms")


def recordings() -> list[Path]:
    real = sorted((SHARED / "data" / "c3d" / "real" / "ghostly").glob("*.c3d"))
    return real or [synthetic_recording(Path(tempfile.mkdtemp()), seconds=60)]


async def store_one(store: SummaryStore, data: bytes, profile: str) -> float:
    spec = SessionSpec(recording=RecordingRef(uri="s3://recordings/one.c3d", version="1"), profile=profile)
    result = analyse(data, WorkerContract(session_name="emg-a", spec=spec))
    started = time.perf_counter()
    await store.save_result("emg-a", spec, result)
    return 1000 * (time.perf_counter() - started)


async def sizes(url: str, name: str, data: bytes, profile: str) -> None:
    async with open_summaries(url) as store:
        stored_ms = await store_one(store, data, profile)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(COPY_RESULTS, [COPIES])
        connection.execute("VACUUM")
        taken = {name: size / COPIES for name, size in connection.execute(SIZES, [list(TABLES)])}
    parts = ", ".join(f"{name} {size:.0f}" for name, size in taken.items())
    print(f"{name} {profile:<11}{sum(taken.values()):8.0f} bytes ({parts}); first stored in {stored_ms:.1f} ms")


def main() -> None:
    with running_server() as server:
        with fresh_database(server) as url:
            migrate.upgrade(url)
            many_sessions.fill(url)
            asyncio.run(waits(url))
        for path in recordings():
            for profile in ("standard-1", "ghostly-2"):
                with fresh_database(server) as url:
                    migrate.upgrade(url)
                    asyncio.run(sizes(url, path.stem[-4:], path.read_bytes(), profile))


if __name__ == "__main__":
    main()
