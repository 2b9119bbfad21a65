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
    # Four rows leave pages nearly empty: on disk the whole table with its indexes says less.
    assert told["disk_reduction_percent"] >= 99
    assert upgrade.adoption is not None
    assert upgrade.adoption.results == 4
    assert str(upgrade.adoption).startswith("4 results of the earlier system: ")


def test_what_was_adopted_is_in_the_views_for_people(adopted, rows: Rows) -> None:
    sessions = query(adopted[0], "SELECT * FROM bi_sessions")
    assert {row["subject"] for row in sessions} == {"P001"}
    assert {row["sample_rate_hz"] for row in sessions} == {990.0}
    overall = sorted(row["overall"] for row in sessions)
    assert overall == sorted(json.loads(row["scores"])["overall_score"] for row in rows)


def test_names_and_free_text_are_in_their_own_table_only(adopted) -> None:
    (personal, *_) = query(adopted[0], "SELECT * FROM session_personal_data")
    assert (personal["therapist_id"], personal["player_name"] is None) == ("T042", False)
    told = str(query(adopted[0], "SELECT * FROM therapy_sessions")) + str(
        query(adopted[0], "SELECT * FROM bi_sessions")
    )
    assert "T042" not in told
    assert "a note" not in told
    assert "player_name" not in told


def test_an_adopted_database_is_made_of_the_same_parts_as_a_new_one(small: str, postgres_server: Postgres) -> None:
    migrate.upgrade(small)
    theirs = "c3d_metadata"
    with fresh_database(postgres_server) as new:
        migrate.upgrade(new)
        assert [line for line in catalog(small) if theirs not in line] == [
            line for line in catalog(new) if theirs not in line
        ]


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
