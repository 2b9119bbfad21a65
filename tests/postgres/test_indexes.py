"""With 100,000 sessions people still wait for indexes, not for tables to be read from end to end."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.listing import FIND_SESSIONS, LIST_SESSIONS, MOST_FOUND, Place, SessionFilter, list_parameters
from tests.support import many_sessions
from tests.support.postgres import fresh_database, login


@pytest.fixture(scope="module")
def owners(postgres_server: Postgres) -> Iterator[str]:
    """The owner's address of a database with a hundred thousand sessions."""
    with fresh_database(postgres_server) as url:
        migrate.upgrade(url)
        many_sessions.fill(url)
        yield url


@pytest.fixture(scope="module", params=["owner", "emg_api of all centres", "emg_api of one centre"])
def full(owners: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of somebody who lists sessions: row-level security keeps some conditions from indexes."""
    if request.param == "owner":
        yield owners
        return
    with login(owners, "emg_api") as url:
        if "one" in request.param:
            with psycopg.connect(owners, autocommit=True) as connection:
                connection.execute("DELETE FROM centre_readers WHERE role_name = 'emg_api'")
                user = psycopg.conninfo.conninfo_to_dict(url)["user"]
                connection.execute("INSERT INTO centre_readers VALUES (%s, 'leiden')", [user])
        yield url
        with psycopg.connect(owners, autocommit=True) as connection:
            connection.execute("INSERT INTO centre_readers VALUES ('emg_api', '*') ON CONFLICT DO NOTHING")


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


def test_a_page_far_down_the_list_comes_by_the_index_too(full: str, owners: str) -> None:
    with psycopg.connect(owners) as connection:
        middle = "SELECT created_at, session_code FROM therapy_sessions WHERE session_code = 'emg-50000'"
        row = connection.execute(middle).fetchone()
    assert row is not None
    after = Place(created_at=row[0], session_code=row[1])
    assert "therapy_sessions_list" in indexes(full, LIST_SESSIONS, list_parameters(SessionFilter(), after, 50))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT * FROM latest_sessions", "therapy_sessions_subject"),
        ("SELECT * FROM therapy_sessions WHERE session_code = 'emg-7'", "therapy_sessions_session_code_key"),
    ],
)
def test_what_programs_ask_for_comes_by_an_index(full: str, statement: str, index: str) -> None:
    assert index in indexes(full, statement)


@pytest.mark.parametrize("view", ["bi_sessions", "bi_contractions"])
def test_what_people_ask_for_comes_by_an_index(owners: str, view: str) -> None:
    assert "therapy_sessions_subject" in indexes(owners, f"SELECT * FROM {view} WHERE subject = 'P0042'")


def test_a_rare_word_is_looked_up_in_an_index(owners: str) -> None:
    """The function's own statement, which nobody's rights change."""
    with psycopg.connect(owners) as connection:
        told = connection.execute("SELECT pg_get_functiondef('sessions_found'::regproc)").fetchone()
    assert told is not None
    body = str(told[0]).partition("BEGIN ATOMIC")[2].partition(";")[0]
    asked = body.replace("sessions_found.term", "'p0042'").replace("sessions_found.most", "1000")
    assert "therapy_sessions_search" in indexes(owners, asked)


@pytest.mark.parametrize("word", ["p0042", "emg-77777", "no-such-word", "zz"])
async def test_a_page_of_a_search_comes_by_an_index(full: str, word: str) -> None:
    wanted = SessionFilter(search=word)
    with psycopg.connect(full) as connection:
        found = [row[0] for row in connection.execute(FIND_SESSIONS, {"search": word, "most": MOST_FOUND})]
    assert len(found) < MOST_FOUND
    used = indexes(full, LIST_SESSIONS, list_parameters(wanted, None, 50, found))
    assert used & {"therapy_sessions_pkey", "therapy_sessions_list"}


def test_a_search_shows_a_login_no_more_than_its_centres(full: str, request: pytest.FixtureRequest) -> None:
    with psycopg.connect(full) as connection:
        found = connection.execute(FIND_SESSIONS, {"search": "p0042", "most": MOST_FOUND}).fetchall()
    of_one = "one" in request.node.callspec.params["full"]
    assert len(found) == (0 if of_one else many_sessions.SESSIONS // many_sessions.SUBJECTS)


def test_the_latest_session_of_every_subject_is_told_once(owners: str) -> None:
    with psycopg.connect(owners) as connection:
        told = connection.execute("SELECT subject, session_code FROM latest_sessions ORDER BY subject").fetchall()
        expected = connection.execute(
            "SELECT DISTINCT ON (subject) subject, session_code FROM therapy_sessions"
            " ORDER BY subject, created_at DESC, session_code DESC"
        ).fetchall()
    assert told == expected
    assert len(told) == many_sessions.SUBJECTS
