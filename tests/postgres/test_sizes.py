"""What a session takes on disk, by the query that docs/database.md has for it."""

import re
from pathlib import Path

import psycopg
import pytest

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.needs import shared_data

DOCUMENT = Path(__file__).parents[2] / "docs" / "database.md"
COPY = """
INSERT INTO analysis_results (file_hash, parameters, analytics_summary)
SELECT md5(file_hash || n), parameters, analytics_summary FROM analysis_results, generate_series(2, 500) AS n
"""


def query_of_the_document() -> str:
    sizes = DOCUMENT.read_text().partition("## Sizes")[2]
    found = re.search(r"```sql\n(.*?;)", sizes, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("number", ["0464", "0823"])
async def test_a_ghostly_session_takes_less_than_20_kb(database_url: str, number: str) -> None:
    """The two that take most of those we have, with their indexes, as one of five hundred."""
    (path,) = (shared_data("c3d") / "real" / "ghostly").glob(f"*{number}.c3d")
    spec = SessionSpec(recording=RecordingRef(uri="s3://recordings/one.c3d", version="1"), profile="standard-1")
    migrate.upgrade(database_url)
    async with open_summaries(database_url, answer_seconds=120) as store:
        result = analyse(path.read_bytes(), WorkerContract(session_name="emg-a", spec=spec))
        await store.save_result("emg-a", spec, result)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(COPY)
        connection.execute("VACUUM")
        row = connection.execute(query_of_the_document().encode()).fetchone()
    assert row is not None
    assert 10_000 < row[0] <= 20_000
