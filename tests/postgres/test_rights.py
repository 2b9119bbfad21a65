"""What each role may do, tried by users who are members of it and nothing else."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from msgspec.structs import replace

from emg_cli.export import View
from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.audit import AuditEntry, AuditLog
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, SummaryStore
from emg_session.errors import DatabaseUnavailable, MigrationFailed
from emg_session.pool import open_database
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.postgres import fresh_database, login, running_server
from tests.support.recordings import synthetic_recording

LEIDEN = RecordingRef(uri="s3://recordings/leiden/P001/one.c3d", version="1", size_bytes=1)
ULM = RecordingRef(uri="s3://recordings/ulm/P002/one.c3d", version="1", size_bytes=1)
NOWHERE = RecordingRef(uri="s3://recordings/P003/one.c3d", version="1", size_bytes=1)
SPECS = {
    "emg-leiden": SessionSpec(recording=LEIDEN, subject="P001", profile="ghostly-2"),
    "emg-ulm": SessionSpec(recording=ULM, subject="P002", profile="ghostly-2"),
    "emg-nowhere": SessionSpec(recording=NOWHERE, subject="P003", profile="ghostly-2"),
}
CENTRES = """
INSERT INTO centre_places VALUES ('s3://recordings/leiden/', 'leiden'), ('s3://recordings/', 'ulm'),
    ('s3://recordings/P003/', 'nowhere-else');
"""
ROLES = ("emg_worker", "emg_api", "emg_operator", "emg_researcher", "emg_admin")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AnalysisResult]:
    folder = tmp_path_factory.mktemp("recordings")
    return {
        name: analyse(
            synthetic_recording(folder, seed=seed, seconds=12).read_bytes(),
            WorkerContract(session_name=name, spec=spec),
        )
        for seed, (name, spec) in enumerate(SPECS.items())
    }


@pytest.fixture
def migrated(database_url: str) -> str:
    migrate.upgrade(database_url)
    return database_url


@pytest.fixture
async def filled(migrated: str, results: dict[str, AnalysisResult]) -> str:
    """Three analysed sessions, one of each centre and one of none, stored by a worker's login."""
    with login(migrated, "emg_worker") as url:
        for name, spec in SPECS.items():
            await save(url, name, spec, results[name])
    with psycopg.connect(migrated) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://recordings/leiden/', 'leiden')")
        connection.execute("INSERT INTO centre_places VALUES ('s3://recordings/ulm/', 'ulm')")
    return migrated


async def save(url: str, name: str, spec: SessionSpec, result: AnalysisResult) -> None:
    async with open_database(url, answer_seconds=120) as database:
        await SummaryStore(database).save_result(name, spec, result)


def user_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["user"])


def codes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [code for (code,) in connection.execute("SELECT session_code FROM therapy_sessions ORDER BY 1")]


@pytest.fixture(params=ROLES)
def member(request: pytest.FixtureRequest, filled: str) -> Iterator[tuple[str, str]]:
    """A role, and the address of somebody who is a member of it."""
    with login(filled, request.param) as url:
        yield request.param, url


READS = {
    "SELECT analytics_summary FROM analysis_results": {"emg_worker", "emg_api", "emg_operator", "emg_admin"},
    "SELECT file_path FROM therapy_sessions": {"emg_worker", "emg_api", "emg_operator", "emg_admin"},
    "SELECT player_name FROM session_personal_data": {"emg_admin"},
    "SELECT analytics_summary FROM superseded_results": {"emg_api", "emg_operator", "emg_admin"},
    "SELECT max(overall) FROM scores": {"emg_api", "emg_operator", "emg_admin"},
    "SELECT * FROM session_results": {"emg_api", "emg_operator", "emg_admin"},
    "SELECT * FROM window_statistics": {"emg_api", "emg_operator", "emg_admin"},
    "SELECT * FROM bi_sessions": {"emg_researcher", "emg_admin"},
    "SELECT * FROM bi_contractions": {"emg_researcher", "emg_admin"},
    "SELECT * FROM bi_subject_weeks": {"emg_researcher", "emg_admin"},
    "SELECT key FROM tombstone_key": set(),
    "SELECT is_erased('s3://a/b', '1', 'P001')": {"emg_api", "emg_operator", "emg_admin"},
    "SELECT caller FROM audit_log": {"emg_admin"},
    "SELECT max(version) FROM schema_migrations": set(ROLES),
}
CHANGES = {
    "UPDATE therapy_sessions SET subject = subject": {"emg_worker", "emg_api", "emg_operator", "emg_admin"},
    "DELETE FROM therapy_sessions": {"emg_operator", "emg_admin"},
    "INSERT INTO tombstones (kind, centre, digest) VALUES ('object', '', sha256(''))": {"emg_operator", "emg_admin"},
    "SELECT tombstone_digest('subject', '/P001')": {"emg_operator", "emg_admin"},
    "DELETE FROM tombstones": {"emg_admin"},
    "DELETE FROM analysis_results": {"emg_admin"},
    "DELETE FROM session_personal_data": {"emg_admin"},
    "UPDATE analysis_results SET processing_version = '2.0'": {"emg_worker", "emg_admin"},
    "INSERT INTO centre_places VALUES ('s3://x/', 'x')": {"emg_admin"},
    "INSERT INTO centre_readers VALUES (current_user, '*')": {"emg_admin"},
    "INSERT INTO schema_migrations VALUES (999, 'x', 'x')": set(),
    "UPDATE audit_log SET caller = 'x'": set(),
    "DELETE FROM audit_log": set(),
    "TRUNCATE audit_log": set(),
    "TRUNCATE therapy_sessions CASCADE": set(),
    "DROP TABLE therapy_sessions CASCADE": set(),
    "ALTER TABLE therapy_sessions DISABLE ROW LEVEL SECURITY": set(),
    "ALTER TABLE audit_log DISABLE TRIGGER ALL": set(),
    "CREATE TABLE mine (x int)": set(),
    "CREATE ROLE mine": set(),
}


def test_each_role_may_do_what_the_table_says_and_nothing_else(member: tuple[str, str]) -> None:
    role, url = member
    allowed = {statement for statement in READS | CHANGES if _may(url, statement)}

    assert allowed == {statement for statement, roles in (READS | CHANGES).items() if role in roles}


def _may(url: str, statement: str) -> bool:
    with psycopg.connect(url) as connection, connection.transaction(force_rollback=True):
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


async def test_the_api_stores_what_was_received_and_reads_what_was_analysed(filled: str) -> None:
    received = replace(SPECS["emg-ulm"], recording=replace(ULM, version="2"))
    with login(filled, "emg_api") as url:
        async with open_database(url, answer_seconds=120) as database:
            summaries = SummaryStore(database)
            await summaries.check_schema()
            await summaries.save_received("emg-new", received, {"frames": 1})
            found = await summaries.find_session("emg-leiden")
            listed = await summaries.list_sessions(10)
            entry = AuditEntry(
                at=datetime.now(UTC), caller="a", operation="o", session_code=None, asked={}, status=200, reason=None
            )
            await AuditLog(database).append([entry, entry])
    assert found is not None
    assert found.analytics_summary is not None
    assert len(listed) == 4


async def test_the_worker_stores_twice_what_it_may_not_read_back(filled: str, results) -> None:
    with login(filled, "emg_worker") as url:
        await save(url, "emg-leiden", SPECS["emg-leiden"], results["emg-leiden"])
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT player_name FROM session_personal_data")


async def test_the_api_can_not_store_results(filled: str, results) -> None:
    with login(filled, "emg_api") as url, pytest.raises(DatabaseUnavailable, match="grant"):
        await save(url, "emg-leiden", SPECS["emg-leiden"], results["emg-leiden"])


def test_the_longest_prefix_decides_the_centre(filled: str) -> None:
    with psycopg.connect(filled) as connection:
        connection.execute("INSERT INTO centre_places VALUES ('s3://recordings/', 'elsewhere')")
        found = connection.execute("SELECT session_code, centre FROM therapy_sessions").fetchall()
    assert dict(found) == {"emg-leiden": "leiden", "emg-ulm": "ulm", "emg-nowhere": "elsewhere"}


def test_a_place_that_moves_to_another_centre_takes_its_sessions_along(filled: str) -> None:
    with login(filled, "emg_admin") as url, psycopg.connect(url) as connection:
        connection.execute("UPDATE centre_places SET centre = 'delft' WHERE centre = 'leiden'")
        found = connection.execute("SELECT centre FROM therapy_sessions WHERE session_code = 'emg-leiden'").fetchone()
    assert found == ("delft",)


def test_nobody_chooses_the_centre_of_a_session(filled: str) -> None:
    with login(filled, "emg_api") as url, psycopg.connect(url) as connection:
        connection.execute("UPDATE therapy_sessions SET centre = 'leiden' WHERE session_code = 'emg-ulm'")
        found = connection.execute("SELECT centre FROM therapy_sessions WHERE session_code = 'emg-ulm'").fetchone()
    assert found == ("ulm",)


@pytest.fixture
def of_leiden(filled: str) -> Iterator[str]:
    """An API whose login is restricted to one centre."""
    with login(filled, "emg_api") as url, psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("DELETE FROM centre_readers WHERE role_name = 'emg_api'")
        connection.execute("INSERT INTO centre_readers VALUES (%s, 'leiden')", [user_of(url)])
        yield url


TABLES = (
    "therapy_sessions",
    "analysis_results",
    "analysis_summary_optimized",
    "analysis_versions",
    "recordings",
    "provenance",
    "scores",
    "session_results",
)


@pytest.mark.parametrize("table", TABLES)
def test_who_is_of_one_centre_sees_its_rows_only(of_leiden: str, filled: str, table: str) -> None:
    with psycopg.connect(of_leiden) as mine, psycopg.connect(filled) as everything:
        count = f"SELECT count(*) FROM {table}"
        assert (mine.execute(count).fetchone(), everything.execute(count).fetchone()) == ((1,), (3,))


def test_a_table_of_ones_own_making_does_not_widen_what_one_sees(of_leiden: str) -> None:
    with psycopg.connect(of_leiden) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE centre_readers AS SELECT current_user::name AS role_name, '*' AS centre"
        )
        assert connection.execute("SELECT session_code FROM therapy_sessions").fetchall() == [("emg-leiden",)]


THEIR_TRIGGER = """
CREATE TEMP TABLE told (who text);
CREATE TEMP TABLE c3d_metadata (id uuid);
GRANT ALL ON told, c3d_metadata TO PUBLIC;
CREATE FUNCTION pg_temp.tell() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO pg_temp.told VALUES (current_user); RETURN NULL; END $$;
GRANT EXECUTE ON FUNCTION pg_temp.tell() TO PUBLIC;
CREATE TRIGGER tell BEFORE DELETE ON c3d_metadata FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.tell();
"""


@pytest.mark.parametrize("role", ["emg_operator", "emg_admin"])
def test_a_table_of_ones_own_making_runs_nothing_with_the_owners_rights(filled: str, role: str) -> None:
    with login(filled, role) as url, psycopg.connect(url) as connection:
        connection.execute(THEIR_TRIGGER.encode())
        connection.execute("DELETE FROM therapy_sessions WHERE session_code = 'emg-ulm'")
        assert connection.execute("SELECT who FROM pg_temp.told").fetchall() == []


GRANTED_BY_DEFAULT = """
CREATE ROLE {visitor} NOLOGIN;
GRANT USAGE ON SCHEMA public TO {visitor};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {visitor}, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO {visitor}, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO {visitor};
"""
HELD = """
SELECT relname::text FROM pg_class CROSS JOIN aclexplode(relacl) AS held
WHERE relnamespace = 'public'::regnamespace AND grantee IN (0, %(visitor)s::regrole)
UNION ALL
SELECT proname FROM pg_proc CROSS JOIN aclexplode(proacl) AS held
WHERE pronamespace = 'public'::regnamespace AND grantee = %(visitor)s::regrole
UNION ALL
SELECT proname FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prosecdef AND has_function_privilege(%(visitor)s, oid, 'EXECUTE')
"""


@pytest.fixture
def visitor(database_url: str) -> Iterator[str]:
    """A role to which the server grants everything that is made, as hosted ones do."""
    name = f"visitor_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(GRANTED_BY_DEFAULT.format(visitor=name).encode())
        yield name
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_what_the_server_grants_by_default_is_taken_back_and_told(database_url: str, visitor: str) -> None:
    notices = migrate.apply_missing(database_url).notices
    with psycopg.connect(database_url) as connection:
        assert connection.execute(HELD, {"visitor": visitor}).fetchall() == []
    assert [notice.partition(":")[0] for notice in sorted(notices)] == ["taken from PUBLIC", f"taken from {visitor}"]


def test_a_table_of_somebody_else_keeps_its_rights(database_url: str, visitor: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE theirs (x int)")
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        assert set(connection.execute(HELD, {"visitor": visitor}).fetchall()) == {("theirs",)}


@pytest.mark.parametrize("table", ["centre_places", "tombstone_key", "audit_log"])
def test_a_grant_alone_shows_no_row_of_what_rights_hang_on(filled: str, table: str) -> None:
    with login(filled, "emg_worker") as url:
        with psycopg.connect(filled, autocommit=True) as owner:
            owner.execute(f"GRANT SELECT, INSERT ON {table} TO {user_of(url)}".encode())
        with psycopg.connect(url) as connection:
            assert connection.execute(f"SELECT * FROM {table}".encode()).fetchall() == []


async def test_who_is_of_one_centre_stores_nothing_elsewhere(of_leiden: str) -> None:
    async with open_database(of_leiden, answer_seconds=120) as database:
        summaries = SummaryStore(database)
        await summaries.save_received(
            "emg-mine", replace(SPECS["emg-leiden"], recording=replace(LEIDEN, version="2")), None
        )
        with pytest.raises(DatabaseUnavailable, match="refuses our role"):
            await summaries.save_received("emg-x", replace(SPECS["emg-ulm"], recording=replace(ULM, version="2")), None)
    assert codes(of_leiden) == ["emg-leiden", "emg-mine"]


def test_a_reader_of_no_centre_sees_nothing(filled: str) -> None:
    with login(filled, "emg_api") as url, psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("DELETE FROM centre_readers WHERE role_name = 'emg_api'")
        assert codes(url) == []


VIEWS = tuple(view.relation for view in View if view is not View.FAULTS)  # these recordings have none


@pytest.fixture
def researcher(filled: str) -> Iterator[str]:
    """A researcher of Leiden."""
    with login(filled, "emg_researcher") as url, psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("INSERT INTO centre_readers VALUES (%s, 'leiden')", [user_of(url)])
        yield url


@pytest.mark.parametrize("view", VIEWS)
def test_a_researcher_reads_the_flat_views_of_ones_own_centres(researcher: str, filled: str, view: str) -> None:
    of_each = f"SELECT DISTINCT centre FROM {view} ORDER BY 1".encode()
    with psycopg.connect(researcher) as mine, psycopg.connect(filled) as everything:
        assert mine.execute(of_each).fetchall() == [("leiden",)]
        assert everything.execute(of_each).fetchall() == [("",), ("leiden",), ("ulm",)]


def test_no_flat_view_holds_personal_data_or_the_recordings_name(filled: str, results) -> None:
    secrets = {value for result in results.values() for value in result.personal.values() if value}
    secrets |= {result.file_hash for result in results.values()} | {"s3://", ".c3d"}
    with psycopg.connect(filled) as connection:
        for view in VIEWS:
            shown = str(connection.execute(f"SELECT v::text FROM {view} AS v".encode()).fetchall())
            assert [secret for secret in secrets if secret in shown] == []


def test_a_condition_of_ones_own_does_not_see_rows_of_others(researcher: str) -> None:
    """What a leaky function tells while it filters must be rows that one may see."""
    leaky = (
        "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    told: list[str] = []
    with psycopg.connect(researcher) as connection:
        connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        connection.execute(leaky.encode())
        connection.execute(b"SELECT * FROM bi_sessions WHERE pg_temp.tell(session_code)")
    assert told == ["emg-leiden"]


def test_weeks_of_one_code_in_two_centres_are_two_persons(filled: str) -> None:
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("UPDATE therapy_sessions SET subject = 'P001' WHERE session_code = 'emg-ulm'")
        weeks = connection.execute("SELECT centre, sessions FROM bi_subject_weeks WHERE subject = 'P001' ORDER BY 1")
        assert weeks.fetchall() == [("leiden", 1), ("ulm", 1)]


def test_a_role_that_was_dropped_shuts_nobody_out(filled: str) -> None:
    with psycopg.connect(filled) as connection:
        connection.execute("INSERT INTO centre_readers VALUES ('long_gone', 'leiden')")
    with login(filled, "emg_api") as url:
        assert len(codes(url)) == 3


def test_databases_of_one_server_share_the_roles_also_when_they_migrate_at_once(postgres_server: Postgres) -> None:
    server = postgres_server
    with fresh_database(server) as one, fresh_database(server) as other, ThreadPoolExecutor(2) as programs:
        applied = list(programs.map(migrate.upgrade, [one, other]))
    assert [len(steps) for steps in applied] == [len(migrate.migrations())] * 2


@pytest.fixture
def unprivileged() -> Iterator[tuple[str, str]]:
    """A new server's own user, and somebody who owns a database there and may make no roles."""
    with running_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN PASSWORD 'secret'")
            connection.execute("CREATE DATABASE plain OWNER plain")
        yield server.url, f"postgresql://plain:secret@127.0.0.1:{server.port}/plain"


def test_who_may_make_no_roles_is_told_what_to_have_an_administrator_run(unprivileged: tuple[str, str]) -> None:
    administrator, owner = unprivileged
    with pytest.raises(MigrationFailed, match=r"have an administrator of the server run (.*) then migrate") as refused:
        migrate.upgrade(owner)
    with psycopg.connect(administrator) as connection:
        connection.execute(str(refused.value).partition(" run ")[2].partition(" then ")[0])
    assert migrate.upgrade(owner)[-1] == migrate.migrations()[-1]


async def test_a_temporary_table_called_like_one_of_ours_opens_no_view(filled: str) -> None:
    with login(filled, "emg_researcher") as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE therapy_sessions (session_code text)")
        for view in ("bi_sessions", "bi_contractions", "bi_subject_weeks"):
            assert connection.execute(f"SELECT count(*) FROM {view}".encode()).fetchone() == (0,)


def test_nobody_may_hang_our_trigger_functions_on_tables_of_their_own(migrated: str) -> None:
    query = """
    SELECT proname FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
      AND (prosecdef OR prorettype = 'trigger'::regtype)
    """
    with psycopg.connect(migrated) as connection:
        assert connection.execute(query).fetchall() == []
