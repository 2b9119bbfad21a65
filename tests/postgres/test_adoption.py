"""A database of the earlier system becomes one of ours, without its time series and with all it computed."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.errors import MigrationFailed
from tests.support import earlier_system
from tests.support.catalog import catalog
from tests.support.needs import shared_data
from tests.support.postgres import fresh_database

TAKEN_OVER = {
    "rms": "rms_volts",
    "mav": "mav_volts",
    "mpf": "mpf_hz",
    "mdf": "mdf_hz",
    "fatigue_index_fi_nsm5": "fi_nsm5",
    "contraction_count": "contractions",
    "good_contraction_count": "good_contractions",
    "mvc_compliant_count": "contractions_meeting_mvc",
    "duration_compliant_count": "contractions_long_enough",
    "avg_duration_ms": "mean_duration_ms",
    "min_duration_ms": "min_duration_ms",
    "max_duration_ms": "max_duration_ms",
    "total_time_under_tension_ms": "total_duration_ms",
    "avg_amplitude": "mean_amplitude_volts",
    "max_amplitude": "max_amplitude_volts",
    "mvc_threshold_actual_value": "threshold_volts",
}
OF_A_CONTRACTION = {
    "start_idx": "start_sample",
    "end_idx": "end_sample",
    "start_time_ms": "start_ms",
    "end_time_ms": "end_ms",
    "duration_ms": "duration_ms",
    "mean_amplitude": "mean_amplitude_volts",
    "max_amplitude": "max_amplitude_volts",
    "is_good": "is_good",
    "meets_mvc": "meets_mvc",
    "meets_duration": "meets_duration",
}
Rows = list[dict[str, Any]]


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Return four real recordings' rows, with 25 to 67 MB of time series each."""
    return list(earlier_system.rows(shared_data("c3d") / "real" / "ghostly", shared_data("oracle")))


def earlier_database(url: str, rows: Rows) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(earlier_system.TABLES)
        for row in rows:
            earlier_system.fill(connection, row)


@pytest.fixture(scope="module")
def adopted(postgres_server: Postgres, rows: Rows) -> Iterator[tuple[str, migrate.Upgrade]]:
    """Yield a database with rows of real size after it was adopted."""
    with fresh_database(postgres_server) as url:
        earlier_database(url, rows)
        upgrade = migrate.apply_missing(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield url, upgrade


@pytest.fixture
def small(database_url: str, rows: Rows) -> str:
    """Return a database of the earlier system whose time series are short."""
    signals = json.dumps({"CH1 Raw": {"sampling_rate": 990.0, "data": [0.5] * 5000, "rms_envelope": [0.5] * 5000}})
    earlier_database(database_url, [row | {"signals": signals} for row in rows])
    return database_url


def query(url: str, sql: str, **values: object) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(sql.encode(), values).fetchall()


def test_every_metric_of_each_muscle_is_kept_in_our_words(adopted, rows: Rows) -> None:
    for row in rows:
        kept = query(
            adopted[0],
            "SELECT muscles.* FROM muscles JOIN provenance USING (result) JOIN analysis_results AS stored"
            " ON stored.id = result_id WHERE file_hash = %(sha256)s ORDER BY muscle",
            sha256=row["sha256"],
        )
        told = json.loads(row["analytics"])
        assert [muscle["muscle"] for muscle in kept] == sorted(told)
        for muscle in kept:
            theirs = told[muscle["muscle"]]
            assert {ours: muscle[ours] for ours in TAKEN_OVER.values()} == {
                ours: theirs[name] for name, ours in TAKEN_OVER.items()
            }


def test_every_contraction_is_kept(adopted, rows: Rows) -> None:
    for row in rows:
        kept = query(
            adopted[0],
            "SELECT muscle, contractions.* FROM contractions JOIN muscles USING (result, muscle_number)"
            " JOIN provenance USING (result) JOIN analysis_results AS stored ON stored.id = result_id"
            " WHERE file_hash = %(sha256)s ORDER BY muscle, contraction",
            sha256=row["sha256"],
        )
        told = [
            {"muscle": name} | {ours: contraction[theirs] for theirs, ours in OF_A_CONTRACTION.items()}
            for name, muscle in sorted(json.loads(row["analytics"]).items())
            for contraction in muscle["contractions"]
        ]
        assert [{name: line[name] for name in told[0]} for line in kept] == told


def numbers(value: Any) -> Iterator[float]:
    """Yield every number in a document, true and false too."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield float(value)


def test_no_number_that_was_analysed_is_lost(adopted, rows: Rows) -> None:
    for row in rows:
        (stored,) = query(
            adopted[0], "SELECT analytics_summary FROM analysis_results WHERE file_hash = %(sha256)s", **row
        )
        kept = Counter(numbers(stored["analytics_summary"]))
        for column in ("analytics", "scores", "mvc"):
            lost = Counter(numbers(json.loads(row[column]))) - kept
            assert not lost, column


def test_the_time_series_are_gone_and_999_permille_of_their_bytes(adopted) -> None:
    url, upgrade = adopted
    (told,) = query(url, "SELECT * FROM calculate_storage_reduction()")
    assert told["packed_bytes_before"] > 40_000_000
    assert (told["packed_reduction_percent"] >= 99.9, told["reduction_percent"] >= 99.9) == (True, True)
    assert upgrade.adoption is not None
    assert upgrade.adoption.results == 4
    assert str(upgrade.adoption).startswith("4 results of the earlier system: ")


def test_forty_sessions_take_a_thousandth_of_the_disk(database_url: str, rows: Rows) -> None:
    """The whole table with its indexes; of four rows alone, half-empty pages would be half of what is left."""
    earlier_database(database_url, rows)
    with psycopg.connect(database_url) as connection:
        earlier_system.copy(connection, 10)
    migrate.upgrade(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM")
    (told,) = query(database_url, "SELECT * FROM calculate_storage_reduction()")
    assert (told["results"], told["disk_bytes_before"] > 400_000_000) == (40, True)
    assert told["disk_reduction_percent"] >= 99.9


def test_what_was_adopted_is_in_the_views_for_people(adopted, rows: Rows) -> None:
    sessions = query(adopted[0], "SELECT * FROM bi_sessions")
    assert {row["subject"] for row in sessions} == {"P001"}
    assert {row["sample_rate_hz"] for row in sessions} == {990.0}
    overall = sorted(row["overall"] for row in sessions)
    assert overall == sorted(json.loads(row["scores"])["overall_score"] for row in rows)


def test_names_and_free_text_are_in_their_own_table_only(adopted) -> None:
    (personal, *_) = query(adopted[0], "SELECT * FROM session_personal_data")
    assert (personal["therapist_id"], personal["player_name"] is None) == ("T042", False)
    assert personal["earlier"]["c3d_metadata"]["session_notes"] == "a note"
    elsewhere = everywhere_but_personal_data(adopted[0])
    assert [word for word in ("T042", "a note", "player_name") if word in elsewhere] == []


def everywhere_but_personal_data(url: str) -> str:
    tables = query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    names = [table["tablename"] for table in tables if table["tablename"] != "session_personal_data"]
    return "".join(str(query(url, f"SELECT t::text FROM {name} AS t")) for name in names)


def test_an_adopted_database_is_made_of_the_same_parts_as_a_new_one(small: str, postgres_server: Postgres) -> None:
    migrate.upgrade(small)
    with fresh_database(postgres_server) as new:
        migrate.upgrade(new)
        assert catalog(small) == catalog(new)


def everything(url: str) -> tuple[list[str], list[dict[str, Any]]]:
    stored = query(url, "SELECT *, md5(emg_signals::text) FROM analysis_results ORDER BY id")
    return catalog(url), stored + query(url, "SELECT * FROM c3d_metadata ORDER BY id")


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(small)
    monkeypatch.setenv("EMG_DATABASE_URL", small)
    migrate.main(["--upgrade", "--dry-run"])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "would be applied 021_sessions_and_results.sql"
    assert "would be moved to session_personal_data: c3d_metadata" in told
    assert told[-1].startswith("would be adopted 4 results of the earlier system: ")
    assert everything(small) == before


def test_a_failure_in_the_middle_leaves_the_earlier_system_as_it_was(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(small)
    broken = migrate.Migration(999, "999_broken.sql", b"SELECT 1 / 0")
    every = [*migrate.migrations(), broken]
    monkeypatch.setattr(migrate, "migrations", lambda: every)
    with pytest.raises(MigrationFailed, match="DivisionByZero"):
        migrate.upgrade(small)
    assert everything(small) == before


def test_what_depends_on_the_earlier_results_is_told_and_nothing_changed(small: str) -> None:
    with psycopg.connect(small) as connection:
        connection.execute("CREATE VIEW theirs AS SELECT id, emg_signals FROM analysis_results")
    before = everything(small)
    with pytest.raises(MigrationFailed, match="depend on the earlier system's analysis_results"):
        migrate.upgrade(small)
    assert everything(small) == before


@pytest.mark.parametrize(
    "odd",
    [
        {"analytics": "[]"},
        {"analytics": json.dumps({"CH1": {"rms": "n/a", "mpf": None, "contractions": "none"}})},
        {"analytics": json.dumps({"CH1": {"rms": 1.5, "envelope": [0.5] * 5000}})},
        {"signals": json.dumps({"CH1": [0.5, 0.25]})},
        {"signals": "null"},
        {"params": "null"},
        {"scores": json.dumps({"left": 85.4, "overall": "88 %"})},
    ],
)
def test_rows_of_any_shape_are_adopted(database_url: str, rows: Rows, odd: dict[str, str]) -> None:
    earlier_database(database_url, [rows[0] | {"signals": "{}"} | odd])
    migrate.upgrade(database_url)
    (stored,) = query(database_url, "SELECT analytics_summary FROM analysis_results")
    kept = json.dumps(stored["analytics_summary"])
    assert all(word in kept for word in ("n/a", "88 %") if word in str(odd))
    assert len(query(database_url, "SELECT * FROM provenance")) == 1


def test_who_stopped_behind_the_first_migration_loses_nothing(small: str) -> None:
    first = migrate.migrations()[0]
    with psycopg.connect(small) as connection:
        connection.execute("ALTER TABLE analysis_results ADD COLUMN session_id uuid")
        connection.execute(first.sql)
        connection.execute(
            "CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute("INSERT INTO schema_migrations VALUES (21, %s, %s)", [first.name, first.checksum])
    migrate.upgrade(small)
    assert len(query(small, "SELECT * FROM bi_sessions WHERE contractions > 0")) == 4


COLUMNS_OF_THEIRS = """
CREATE TABLE therapy_sessions (
    id uuid PRIMARY KEY, file_path varchar(200), file_hash char(64), patient_name text, therapist_id text, notes json,
    trace jsonb, report text, game_metadata json, created_at timestamptz, updated_at timestamptz
);
INSERT INTO therapy_sessions
SELECT id, file_path, file_hash, 'Ada Lovelace', 'T007', '["shy of needles"]',
       (SELECT jsonb_agg(n) FROM generate_series(1, 20000) AS n), repeat('long ', 20000),
       '{"game_name": "Ghostly", "score": 24, "remark": "seen by Dr Moreau", "session_notes": "fell twice"}', NULL, NULL
FROM c3d_metadata
"""


@pytest.fixture
def with_columns_of_theirs(small: str) -> str:
    with psycopg.connect(small) as connection:
        connection.execute(COLUMNS_OF_THEIRS)
    return small


def test_columns_that_only_the_earlier_system_knew_are_personal_data(with_columns_of_theirs: str) -> None:
    upgrade = migrate.apply_missing(with_columns_of_theirs)
    assert (
        "moved to session_personal_data: therapy_sessions (patient_name, therapist_id, notes, trace, report)"
        in upgrade.notices
    )
    told = query(with_columns_of_theirs, "SELECT therapist_id, earlier FROM session_personal_data")
    assert {row["therapist_id"] for row in told} == {"T042"}, "c3d_metadata told it first"
    assert [row["earlier"]["therapy_sessions"] for row in told] == [
        {
            "patient_name": "Ada Lovelace",
            "therapist_id": "T007",
            "notes": ["shy of needles"],
            "report": "long " * 20000,
        }
    ] * 4
    words = {"remark": "seen by Dr Moreau", "session_notes": "fell twice"}
    assert [row["earlier"]["game_metadata"] for row in told] == [words] * 4
    elsewhere = everywhere_but_personal_data(with_columns_of_theirs)
    assert [word for word in ("Lovelace", "T007", "needles", "Moreau", "fell twice") if word in elsewhere] == []
    assert "Ghostly" in elsewhere


def test_a_column_that_was_moved_is_gone_from_the_disk(with_columns_of_theirs: str, postgres_server: Postgres) -> None:
    migrate.upgrade(with_columns_of_theirs)
    with psycopg.connect(with_columns_of_theirs, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_relation_filepath('therapy_sessions')").fetchone()
    assert row is not None
    assert b"Lovelace" not in (postgres_server.data / row[0]).read_bytes()


def upgrade_below(version: int, url: str) -> None:
    """Bring a database to where it was before a migration."""
    every = migrate.migrations()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: [m for m in every if m.version < version])
        migrate.upgrade(url)


def test_columns_that_somebody_added_to_a_database_of_ours_stay(database_url: str) -> None:
    upgrade_below(35, database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE therapy_sessions ADD COLUMN ward text")
        connection.execute("INSERT INTO therapy_sessions (session_code, ward) VALUES ('emg-a', 'B4')")
    assert migrate.apply_missing(database_url).notices == []
    assert query(database_url, "SELECT ward FROM therapy_sessions") == [{"ward": "B4"}]


def test_of_metadata_that_other_tables_need_only_ids_stay(small: str) -> None:
    with psycopg.connect(small) as connection:
        connection.execute("CREATE TABLE notes (about uuid REFERENCES c3d_metadata (id))")
        connection.execute("INSERT INTO notes SELECT id FROM c3d_metadata")
    upgrade = migrate.apply_missing(small)
    assert any("of which only ids stay" in notice for notice in upgrade.notices)
    assert {tuple(row) for row in query(small, "SELECT * FROM c3d_metadata")} == {("id",)}
    assert len(query(small, "SELECT * FROM notes JOIN c3d_metadata ON id = about")) == 4


def test_notes_of_a_session_within_what_its_game_told_are_kept_as_personal_data(small: str) -> None:
    with psycopg.connect(small) as connection:
        connection.execute(
            "UPDATE c3d_metadata SET game_metadata = coalesce(game_metadata::jsonb, '{}')"
            ' || \'{"session_notes": "seen by Dr Moreau"}\''
        )
    migrate.upgrade(small)
    kept = query(small, "SELECT earlier #>> '{game_metadata,session_notes}' AS notes FROM session_personal_data")
    assert [row["notes"] for row in kept] == ["seen by Dr Moreau"] * 4
    assert "Moreau" not in everywhere_but_personal_data(small)


def test_metadata_of_another_program_stays(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE c3d_metadata (id uuid DEFAULT gen_random_uuid(), note text)")
        connection.execute("INSERT INTO c3d_metadata (note) VALUES ('of another program')")
    assert migrate.apply_missing(database_url).notices == []
    assert query(database_url, "SELECT note FROM c3d_metadata") == [{"note": "of another program"}]


def test_metadata_that_no_session_was_made_of_is_counted_and_stays(small: str) -> None:
    upgrade_below(35, small)
    with psycopg.connect(small) as connection:
        connection.execute("INSERT INTO c3d_metadata (file_path, file_hash, file_size_bytes) VALUES ('late', 'ab', 1)")
    with pytest.raises(MigrationFailed, match="c3d_metadata has 1 rows that no session was made of"):
        migrate.upgrade(small)
    assert len(query(small, "SELECT * FROM c3d_metadata")) == 5


def test_options_in_words_are_personal_data_and_results_stay_apart(database_url: str, rows: Rows) -> None:
    plain = rows[0] | {"signals": "{}"}
    worded = [plain | {"path": str(n), "params": json.dumps({"order": 4, "note": f"for Ada {n}"})} for n in range(2)]
    same = plain | {"path": "same", "params": '{"order": 4}'}
    earlier_database(database_url, [same, *worded])
    migrate.upgrade(database_url)
    stored = query(database_url, "SELECT * FROM analysis_results ORDER BY processing_version")
    assert [row["parameters"]["options"] for row in stored] == [{"order": 4}] * 3
    assert [row["processing_version"] for row in stored] == ["1.0", "1.0-4", "1.0-5"]
    assert "for Ada" not in everywhere_but_personal_data(database_url)
    told = query(database_url, "SELECT earlier -> 'processing_params' AS words FROM session_personal_data")
    words = [next(iter(row["words"].values()))["note"] for row in told if row["words"]]
    assert sorted(words) == ["for Ada 0", "for Ada 1"]
    assert len(query(database_url, "SELECT * FROM bi_sessions WHERE contractions > 0")) == 3


def test_a_result_without_a_hash_has_its_sessions(small: str, rows: Rows) -> None:
    with psycopg.connect(small) as connection:
        connection.execute("ALTER TABLE analysis_results ALTER COLUMN file_hash DROP NOT NULL")
        connection.execute("UPDATE analysis_results SET file_hash = NULL")
    migrate.upgrade(small)
    hashes = sorted(row["sha256"] for row in rows)
    for table in ("therapy_sessions", "analysis_results"):
        kept = query(small, f"SELECT file_hash FROM {table} ORDER BY 1")
        assert [row["file_hash"] for row in kept] == hashes, table


THEIR_OWN_022 = """
ALTER TABLE analysis_results ADD COLUMN analytics_summary jsonb, ADD COLUMN optimization_applied boolean DEFAULT true;
UPDATE analysis_results SET analytics_summary = analytics_data;
CREATE INDEX analysis_results_summary ON analysis_results USING gin (analytics_summary);
ALTER TABLE analysis_results DROP COLUMN emg_signals, {then};
CREATE VIEW analysis_summary_optimized AS SELECT id, analytics_summary FROM analysis_results;
CREATE FUNCTION calculate_storage_reduction() RETURNS text LANGUAGE sql AS $$ SELECT '99 %' $$;
"""


@pytest.mark.parametrize("then", ["DROP COLUMN analytics_data", "ALTER COLUMN analytics_data DROP NOT NULL"])
def test_a_database_that_ran_the_earlier_systems_own_022_is_adopted(small: str, rows: Rows, then: str) -> None:
    with psycopg.connect(small) as connection:
        connection.execute(THEIR_OWN_022.format(then=then).encode())
    upgrade = migrate.apply_missing(small)
    assert upgrade.adoption is not None
    assert (
        "% less" not in str(upgrade.adoption) or upgrade.adoption.disk_bytes_before > upgrade.adoption.disk_bytes_after
    )
    kept = query(small, "SELECT rms_volts FROM muscles ORDER BY 1")
    told = sorted(muscle["rms"] for row in rows for muscle in json.loads(row["analytics"]).values())
    assert [row["rms_volts"] for row in kept] == told


def test_a_policy_of_the_earlier_system_opens_no_centre(with_columns_of_theirs: str) -> None:
    with psycopg.connect(with_columns_of_theirs) as connection:
        connection.execute("CREATE POLICY everybody ON therapy_sessions USING (true)")
    upgrade = migrate.apply_missing(with_columns_of_theirs)
    assert "dropped: policy everybody of therapy_sessions" in upgrade.notices
    policies = query(
        with_columns_of_theirs, "SELECT polname FROM pg_policy WHERE polrelid = 'therapy_sessions'::regclass"
    )
    assert policies == [{"polname": "own_centres"}]


@pytest.mark.parametrize(
    ("obstacle", "sentence"),
    [
        ("CREATE VIEW theirs AS SELECT file_path FROM therapy_sessions", "depend on columns of the earlier"),
        (
            "CREATE VIEW theirs AS SELECT patient_name FROM therapy_sessions",
            "depend on the earlier system's therapy_ses",
        ),
        ("CREATE VIEW theirs AS SELECT session_notes FROM c3d_metadata", "depend on the earlier system's therapy_ses"),
        ("ALTER TABLE therapy_sessions ADD COLUMN file_size_bytes text DEFAULT '3 MB'", "correct them"),
    ],
)
def test_what_stands_in_the_way_is_told_and_nothing_changed(
    with_columns_of_theirs: str, obstacle: str, sentence: str
) -> None:
    with psycopg.connect(with_columns_of_theirs) as connection:
        connection.execute(obstacle.encode())
    before = everything(with_columns_of_theirs)
    with pytest.raises(MigrationFailed, match=sentence):
        migrate.upgrade(with_columns_of_theirs)
    assert everything(with_columns_of_theirs) == before


def test_json_and_text_columns_become_what_ours_are(small: str) -> None:
    with psycopg.connect(small) as connection:
        connection.execute(
            "DROP VIEW analysis_summary; ALTER TABLE analysis_results DROP CONSTRAINT unique_analysis_cache,"
            " ALTER COLUMN processing_params TYPE json, ALTER COLUMN analytics_data TYPE text,"
            " ALTER COLUMN emg_signals TYPE json, ALTER COLUMN compliance_scores TYPE json"
        )
    migrate.upgrade(small)
    assert len(query(small, "SELECT * FROM bi_sessions WHERE contractions > 0 AND overall > 0")) == 4


def test_twenty_thousand_results_are_adopted_at_once(database_url: str, rows: Rows) -> None:
    """More rows than a server has locks for (64 for each of its connections): none may take one each."""
    few = json.dumps({"CH1": {"rms": 1.5, "contraction_count": 1, "contractions": [{"start_time_ms": 1.0}]}})
    with psycopg.connect(database_url) as connection:
        connection.execute(earlier_system.TABLES)
        earlier_system.fill(
            connection, rows[0] | {"signals": "{}", "analytics": few, "scores": "{}", "contractions": "{}"}
        )
        connection.execute(
            "INSERT INTO c3d_metadata (file_path, file_hash, file_size_bytes, resolved_patient_id, session_notes)"
            " SELECT 'P001/' || n, md5(n::text), 1, 'P001', 'note ' || n FROM generate_series(2, 20000) AS n"
        )
        connection.execute(
            "INSERT INTO analysis_results (c3d_metadata_id, file_hash, processing_version, processing_params,"
            " analytics_data) SELECT metadata.id, metadata.file_hash, '2.1.0', processing_params, analytics_data"
            " FROM c3d_metadata AS metadata, analysis_results WHERE metadata.file_hash <> analysis_results.file_hash"
        )
    upgrade = migrate.apply_missing(database_url)
    assert upgrade.adoption is not None
    assert upgrade.adoption.results == 20_000
    assert query(database_url, "SELECT count(*) FROM provenance") == [{"count": 20_000}]
    assert query(database_url, "SELECT count(earlier) FROM session_personal_data") == [{"count": 20_000}]
