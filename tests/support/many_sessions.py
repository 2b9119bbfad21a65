"""A hundred thousand sessions of five hundred subjects, each with a result: for plans and timings, not for truth."""

import psycopg

SESSIONS, SUBJECTS = 100_000, 500

_FILL = f"""
ALTER TABLE therapy_sessions DISABLE TRIGGER USER;
ALTER TABLE analysis_results DISABLE TRIGGER USER;
INSERT INTO therapy_sessions (session_code, subject, file_path, file_hash, parameters, created_at)
SELECT 'emg-' || n, 'P' || lpad((n % {SUBJECTS})::text, 4, '0'), 's3://recordings/' || n || '.c3d', md5(n::text),
       '{{"profile": "standard-1", "options": {{}}}}', timestamptz '2026-01-01Z' + n * interval '1 minute'
FROM generate_series(1, {SESSIONS}) AS n;
INSERT INTO analysis_results (file_hash, parameters, analytics_summary)
SELECT file_hash, parameters, '{{"schema": "emg-summary/1"}}' FROM therapy_sessions;
INSERT INTO provenance (result_id, profile) SELECT id, 'standard-1' FROM analysis_results;
INSERT INTO scores (result, overall) SELECT result, result % 100 FROM provenance;
INSERT INTO channels (result, channel_number, channel, verdict)
SELECT result, number, 'CH' || number, CASE WHEN result % 9 = 0 THEN 'Degraded' ELSE 'Usable' END
FROM provenance, generate_series(1, 4) AS number;
INSERT INTO muscles (result, muscle_number, muscle, contractions)
SELECT result, number, 'CH' || number, 20 FROM provenance, generate_series(1, 2) AS number;
INSERT INTO contractions (result, muscle_number, contraction)
SELECT result, muscle_number, number FROM muscles, generate_series(1, 2) AS number;
INSERT INTO recordings (file_hash, recorded_at) SELECT file_hash, timestamp '2026-01-01' FROM therapy_sessions;
ALTER TABLE therapy_sessions ENABLE TRIGGER USER;
ALTER TABLE analysis_results ENABLE TRIGGER USER;
"""


def fill(url: str) -> None:
    """Fill a migrated, empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FILL.encode())
        connection.execute("VACUUM ANALYZE")
