"""How long people wait for the database with 100,000 sessions, what a session takes on disk, what adoption saves."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import SummaryStore, open_summaries
from emg_session.listing import SessionFilter
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support import earlier_system, many_sessions
from tests.support.needs import SHARED
from tests.support.postgres import fresh_database, login, running_server
from tests.support.recordings import synthetic_recording

# Each table has 32 kB of maps of its own: with few sessions they would be most of a session.
ROUNDS, COPIES = 50, 1000
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


FILTERS = {
    "newest 50": SessionFilter(),
    "50 of a subject": SessionFilter(subject="P0042"),
    "50 of 200 with a word": SessionFilter(search="p0042"),
    "a word of one session": SessionFilter(search="emg-77777"),
    "a word of none": SessionFilter(search="no such"),
    "50 with everybody's word": SessionFilter(search="emg"),
}
QUERIES = {
    "latest of a subject": "SELECT session_code FROM therapy_sessions WHERE subject = 'P0042'"
    " ORDER BY created_at DESC LIMIT 1",
    f"latest of each of {many_sessions.SUBJECTS} subjects": "SELECT * FROM latest_sessions",
}


async def waits(url: str, who: str) -> None:
    print(f"{who}:")
    async with open_summaries(url) as store, await psycopg.AsyncConnection.connect(url) as connection:
        for name, wanted in FILTERS.items():
            print(f"{name:<40}{await median_ms(lambda wanted=wanted: store.list_sessions(50, wanted)):8.2f} ms")
        for name, statement in QUERIES.items():
            print(f"{name:<40}{await median_ms(lambda s=statement: connection.execute(s)):8.2f} ms")


def adoption(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(earlier_system.TABLES)
        for row in earlier_system.rows(SHARED / "data" / "c3d" / "real" / "ghostly", SHARED / "data" / "oracle"):
            earlier_system.fill(connection, row)
        earlier_system.copy(connection, 10)
    started = time.perf_counter()
    upgrade = migrate.apply_missing(url)
    print(f"adopted {upgrade.adoption}, in {time.perf_counter() - started:.1f} s")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("VACUUM")
        for name, told in (connection.execute("SELECT * FROM calculate_storage_reduction()").fetchone() or {}).items():
            print(f"{name:<40}{told:>14}")


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
            asyncio.run(waits(url, "owner"))
            with login(url, "emg_api") as restricted:
                asyncio.run(waits(restricted, "emg_api, behind row-level security"))
        with fresh_database(server) as url:
            adoption(url)
        for path in recordings():
            for profile in ("standard-1", "ghostly-2"):
                with fresh_database(server) as url:
                    migrate.upgrade(url)
                    asyncio.run(sizes(url, path.stem[-4:], path.read_bytes(), profile))


if __name__ == "__main__":
    main()
