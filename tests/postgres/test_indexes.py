"""With 100,000 sessions people still wait for indexes, not for tables to be read from end to end."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.listing import LIST_SESSIONS, Place, SessionFilter, list_parameters
from tests.support import many_sessions
from tests.support.postgres import fresh_database


@pytest.fixture(scope="module")
def full(postgres_server: Postgres) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        migrate.upgrade(url)
        many_sessions.fill(url)
        yield url


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def indexes(url: str, statement: str, values: dict[str, Any] | None = None) -> set[str]:
    """Return the indexes that a statement uses; fails where it reads a table from end to end."""
    with psycopg.connect(url) as connection:
        row = connection.execute(f"EXPLAIN (FORMAT json) {statement}".encode(), values, prepare=False).fetchone()
    assert row is not None
    used = list(nodes(row[0][0]["Plan"]))
    assert [node["Relation Name"] for node in used if node["Node Type"] == "Seq Scan"] == [], json.dumps(row[0])
    return {node["Index Name"] for node in used if "Index Name" in node}


PAGES = [
    (SessionFilter(), None, "therapy_sessions_list"),
    (SessionFilter(subject="P0042"), None, "therapy_sessions_subject"),
    (SessionFilter(profile="standard-1"), None, "therapy_sessions_list"),
]


@pytest.mark.parametrize(("wanted", "after", "index"), PAGES, ids=str)
def test_a_page_of_the_list_comes_by_an_index(
    full: str, wanted: SessionFilter, after: Place | None, index: str
) -> None:
    assert index in indexes(full, LIST_SESSIONS, list_parameters(wanted, after, 50))


def test_subjects_that_a_reader_may_see_come_by_an_index(full: str) -> None:
    wanted = SessionFilter(subjects=frozenset({"P0042", "P0043"}))
    used = indexes(full, LIST_SESSIONS, list_parameters(wanted, None, 50))
    assert used & {"therapy_sessions_list", "therapy_sessions_subject"}


def test_a_page_far_down_the_list_comes_by_the_index_too(full: str) -> None:
    with psycopg.connect(full) as connection:
        middle = "SELECT created_at, session_code FROM therapy_sessions WHERE session_code = 'emg-50000'"
        row = connection.execute(middle).fetchone()
    assert row is not None
    after = Place(created_at=row[0], session_code=row[1])
    assert "therapy_sessions_list" in indexes(full, LIST_SESSIONS, list_parameters(SessionFilter(), after, 50))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT * FROM latest_sessions", "therapy_sessions_subject"),
        ("SELECT * FROM bi_sessions WHERE subject = 'P0042'", "therapy_sessions_subject"),
        ("SELECT * FROM bi_contractions WHERE subject = 'P0042'", "therapy_sessions_subject"),
        ("SELECT * FROM therapy_sessions WHERE session_code = 'emg-7'", "therapy_sessions_session_code_key"),
    ],
)
def test_what_people_ask_for_comes_by_an_index(full: str, statement: str, index: str) -> None:
    assert index in indexes(full, statement)


def test_the_latest_session_of_every_subject_is_told_once(full: str) -> None:
    with psycopg.connect(full) as connection:
        told = connection.execute("SELECT subject, session_code FROM latest_sessions ORDER BY subject").fetchall()
        expected = connection.execute(
            "SELECT DISTINCT ON (subject) subject, session_code FROM therapy_sessions"
            " ORDER BY subject, created_at DESC, session_code DESC"
        ).fetchall()
    assert told == expected
    assert len(told) == many_sessions.SUBJECTS
