import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from emg_session import migrate
from emg_session.audit import AuditEntry, AuditLog
from emg_session.errors import SummaryRefused
from emg_session.pool import open_database
from tests.support.postgres import login

AT = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[AuditLog]:
    migrate.upgrade(database_url)
    async with open_database(database_url, answer_seconds=120) as database:
        yield AuditLog(database)


def entry(caller: str = "ab12") -> AuditEntry:
    return AuditEntry(
        at=AT,
        caller=caller,
        operation="signals_channel",
        session_code="emg-a",
        asked={"channel_name": "CH1", "start": 1.5},
        status=200,
        reason="review",
        request_id="r-1",
    )


def rows(url: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM audit_log ORDER BY caller").fetchall()


async def test_a_line_is_stored_as_it_was_told(log: AuditLog, database_url: str) -> None:
    line = entry()
    await log.append([line])

    (stored,) = rows(database_url)
    asked = {"channel_name": "CH1", "start": 1.5}
    assert stored[:-2] == (line.id, AT, "ab12", "signals_channel", "emg-a", asked, 200, "review", "r-1")


async def test_storing_lines_again_adds_none(log: AuditLog, database_url: str) -> None:
    lines = [entry(str(number)) for number in range(3)]
    await log.append(lines[:2])
    await log.append(lines)

    assert [row[0] for row in rows(database_url)] == [line.id for line in lines]


async def test_a_batch_is_stored_as_a_whole_or_not_at_all(log: AuditLog, database_url: str) -> None:
    with pytest.raises(SummaryRefused, match="audit_log_caller_check"):
        await log.append([entry(), entry("x" * 101)])

    assert rows(database_url) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET status = 404",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "SET session_replication_role = replica; DELETE FROM audit_log",
        "INSERT INTO audit_log SELECT * FROM audit_log ON CONFLICT (id) DO UPDATE SET status = 404",
    ],
)
async def test_nobody_changes_or_removes_a_line(log: AuditLog, database_url: str, change: str) -> None:
    """Not even the owner and superuser, as whom this connects."""
    await log.append([entry()])
    before = rows(database_url)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change.encode())

    assert rows(database_url) == before


async def test_another_role_may_do_nothing_with_it(log: AuditLog, database_url: str) -> None:
    await log.append([entry()])
    role = f"reader_{uuid.uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role}".encode())
        connection.execute(f"SET ROLE {role}".encode())
        for statement in (b"SELECT 1 FROM audit_log", b"INSERT INTO audit_log (id) VALUES (gen_random_uuid())"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        connection.execute(b"RESET ROLE")
        connection.execute(f"DROP ROLE {role}".encode())


SESSION = "INSERT INTO therapy_sessions (session_code, subject) VALUES ('emg-a', 'P001')"


def changes(url: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT operation, session_code, asked, reason, status FROM audit_log ORDER BY at, operation"
        ).fetchall()


@pytest.mark.usefixtures("log")
async def test_every_change_of_a_row_has_a_line_with_its_columns_and_never_their_values(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SESSION)
        connection.execute("UPDATE therapy_sessions SET subject = 'P002', updated_at = now()")
        connection.execute("DELETE FROM therapy_sessions")
    assert changes(database_url) == [
        ("insert therapy_sessions", "emg-a", {}, None, None),
        ("update therapy_sessions", "emg-a", {"columns": ["subject"]}, None, None),
        ("delete therapy_sessions", "emg-a", {}, None, None),
    ]


@pytest.mark.usefixtures("log")
async def test_a_change_that_changes_nothing_has_no_line(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SESSION)
        connection.execute("UPDATE therapy_sessions SET subject = 'P001', updated_at = now() + interval '1 day'")
    assert [line[0] for line in changes(database_url)] == ["insert therapy_sessions"]


@pytest.mark.usefixtures("log")
async def test_the_reason_is_that_of_the_transaction_and_of_no_other(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT set_config('emg.reason', 'a double', true)")
        connection.execute(SESSION)
        connection.commit()
        connection.execute("DELETE FROM therapy_sessions")
    assert [line[3] for line in changes(database_url)] == ["a double", None]


@pytest.mark.usefixtures("log")
async def test_a_change_is_told_with_who_made_it_whatever_role_they_took(database_url: str) -> None:
    with login(database_url, "emg_api") as url, psycopg.connect(url) as connection:
        connection.execute("SET ROLE emg_api")
        connection.execute(SESSION)
        user = connection.info.user
    (line,) = rows(database_url)
    assert line[2] == f"database role {user}"


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("evasion", ["TRUNCATE {}", "SET session_replication_role = replica; DELETE FROM {}"])
async def test_what_usually_passes_by_triggers_is_told_too(database_url: str, evasion: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://a/', 'a')")
        connection.execute(evasion.format("centre_places").encode())
    assert changes(database_url)[-1][0] in ("truncate centre_places", "delete centre_places")


@pytest.mark.usefixtures("log")
async def test_a_change_that_is_undone_has_no_line(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(SESSION)
        connection.rollback()
    assert changes(database_url) == []


@pytest.mark.usefixtures("log")
async def test_an_administrator_of_one_centre_reads_its_lines_only(log: AuditLog, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://ulm/', 'ulm')")
        connection.execute("INSERT INTO therapy_sessions (session_code, file_path) VALUES ('emg-a', 's3://ulm/a.c3d')")
        connection.execute("INSERT INTO therapy_sessions (session_code, file_path) VALUES ('emg-b', 's3://b/a.c3d')")
    await log.append([entry(), replace(entry(), session_code="emg-b"), replace(entry(), session_code=None)])
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM therapy_sessions")
    with login(database_url, "emg_admin") as url, psycopg.connect(database_url, autocommit=True) as owner:
        lines = "SELECT operation, session_code FROM audit_log ORDER BY at, operation"
        with psycopg.connect(url) as everywhere:
            assert len(everywhere.execute(lines).fetchall()) == len(rows(database_url))
        owner.execute("DELETE FROM centre_readers WHERE role_name = 'emg_admin'")
        owner.execute("INSERT INTO centre_readers VALUES (%s, 'ulm')", [psycopg.conninfo.conninfo_to_dict(url)["user"]])
        with psycopg.connect(url) as of_ulm:
            assert sorted(of_ulm.execute(lines).fetchall()) == [
                ("delete therapy_sessions", "emg-a"),
                ("insert therapy_sessions", "emg-a"),
                ("signals_channel", "emg-a"),
            ]


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("of_one", [False, True])
async def test_an_api_of_any_centre_adds_lines_of_all_its_reads(database_url: str, of_one: bool) -> None:
    with login(database_url, "emg_api") as url:
        if of_one:
            with psycopg.connect(database_url) as owner:
                owner.execute("DELETE FROM centre_readers WHERE role_name = 'emg_api'")
        async with open_database(url, answer_seconds=120) as database:
            lines = [entry(), replace(entry(), session_code=None)]
            for _ in range(2):
                await AuditLog(database).append(lines)
    assert {row[0] for row in rows(database_url)} >= {line.id for line in lines}
