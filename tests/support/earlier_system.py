"""A database as the earlier system left it: its tables, and rows of the size they really had."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import emg_core
import numpy as np
import psycopg

TABLES = """
CREATE TABLE c3d_metadata (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY, file_path text NOT NULL UNIQUE, file_hash text NOT NULL,
    file_size_bytes bigint NOT NULL, patient_id text, therapist_id text, session_id text, session_date timestamp,
    session_type text, session_duration double precision, session_notes text, game_metadata jsonb, channel_names jsonb,
    channel_count integer, sampling_rate double precision, duration_seconds double precision, frame_count integer,
    resolved_patient_id text, resolved_therapist_id text, resolved_session_date timestamp, size_category text,
    upload_date timestamptz, bucket_name text DEFAULT 'c3d-examples', processing_status text DEFAULT 'pending',
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), processed_at timestamptz
);
CREATE TABLE analysis_results (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    c3d_metadata_id uuid NOT NULL REFERENCES c3d_metadata (id) ON DELETE CASCADE,
    file_hash text NOT NULL, processing_version text NOT NULL, processing_params jsonb, analytics_data jsonb NOT NULL,
    emg_signals jsonb, contractions_data jsonb, processing_time_ms integer, cache_hits integer DEFAULT 0,
    last_accessed_at timestamptz DEFAULT now(), mvc_values jsonb, good_contractions_count integer,
    total_contractions_count integer, compliance_scores jsonb, temporal_stats jsonb,
    created_at timestamptz DEFAULT now(), expires_at timestamptz DEFAULT (now() + interval '30 days'),
    CONSTRAINT unique_analysis_cache UNIQUE (file_hash, processing_version, processing_params)
);
CREATE INDEX idx_analysis_results_file_hash ON analysis_results (file_hash);
CREATE INDEX idx_analysis_results_c3d_metadata_id ON analysis_results (c3d_metadata_id);
CREATE INDEX idx_analysis_results_created_at ON analysis_results (created_at DESC);
CREATE INDEX idx_analysis_results_expires_at ON analysis_results (expires_at);
CREATE INDEX idx_analysis_results_last_accessed ON analysis_results (last_accessed_at DESC);
CREATE VIEW analysis_summary AS
SELECT ar.id, cm.file_path, cm.patient_id, ar.mvc_values, ar.compliance_scores, ar.created_at
FROM analysis_results ar JOIN c3d_metadata cm ON ar.c3d_metadata_id = cm.id WHERE ar.expires_at > now();
"""
_ADD_SESSION = """
INSERT INTO c3d_metadata (file_path, file_hash, file_size_bytes, patient_id, resolved_patient_id, therapist_id,
                          session_notes, game_metadata, upload_date)
VALUES (%(path)s, %(sha256)s, %(size)s, %(subject)s, %(subject)s, 'T042', 'a note', %(game)s::jsonb,
        '2025-08-01 10:00Z')
RETURNING id
"""
_ADD_RESULT = """
INSERT INTO analysis_results (c3d_metadata_id, file_hash, processing_version, processing_params, analytics_data,
    emg_signals, contractions_data, processing_time_ms, mvc_values, good_contractions_count, total_contractions_count,
    compliance_scores, temporal_stats)
VALUES (%(session)s, %(sha256)s, '2.1.0', %(params)s::jsonb, %(analytics)s::jsonb, %(signals)s::jsonb,
        %(contractions)s::jsonb, 412, %(mvc)s::jsonb, 3, 45, %(scores)s::jsonb, %(temporal)s::jsonb)
"""


# Bytes are copied as they are packed, so that hundreds of megabytes take seconds.
_COPY = """
WITH copied AS (
    INSERT INTO c3d_metadata (file_path, file_hash, file_size_bytes, resolved_patient_id, game_metadata)
    SELECT file_path || '-' || n, md5(file_hash || n) || md5(n::text), file_size_bytes, resolved_patient_id,
           game_metadata
    FROM c3d_metadata CROSS JOIN generate_series(2, %s) AS n
    RETURNING id, file_hash, file_path)
INSERT INTO analysis_results (c3d_metadata_id, file_hash, processing_version, processing_params, analytics_data,
    emg_signals, contractions_data, processing_time_ms, mvc_values, good_contractions_count, total_contractions_count,
    compliance_scores, temporal_stats)
SELECT copied.id, copied.file_hash, processing_version, processing_params, analytics_data,
    emg_signals, contractions_data, processing_time_ms, mvc_values, good_contractions_count, total_contractions_count,
    compliance_scores, temporal_stats
FROM copied
JOIN c3d_metadata AS original ON copied.file_path LIKE original.file_path || '-%%'
JOIN analysis_results AS result ON result.c3d_metadata_id = original.id
"""


def analytics_of(oracle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the earlier system's numbers by channel, in the shape it stored them."""
    return {
        name: {
            **muscle["amplitude_and_spectral"],
            **muscle["temporal"],
            **muscle["contraction_summary"],
            "contractions": muscle["contractions"],
            "mvc_threshold_actual_value": muscle["mvc_threshold"],
            "mvc_estimation_method": muscle["mvc_estimation_method"],
            "errors": muscle["errors"],
        }
        for name, muscle in oracle["muscles"].items()
    }


def signals_of(recording: emg_core.Recording, names: list[str]) -> dict[str, Any]:
    """Return the time series as they were stored: of every channel, and of the copies it made of each, three lists."""
    rate_hz = recording.metadata["sample_rate_hz"]
    channels = {channel.name: channel for channel in recording.channels}
    stored = {}
    for name in names:
        original = (
            name if name in channels else name.replace(" Processed", " Raw").replace("activated Raw", "activated")
        )
        samples = channels[original].samples
        stored[name] = {
            "sampling_rate": rate_hz,
            "time_axis": (np.arange(len(samples)) / rate_hz).tolist(),
            "data": samples.tolist(),
            "rms_envelope": np.sqrt(np.convolve(samples**2, np.ones(49) / 49, "same")).tolist(),
        }
    return stored


def rows(recordings: Path, oracles: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of every recording that has an oracle."""
    for oracle_path in sorted(oracles.glob("*.json")):
        oracle, path = json.loads(oracle_path.read_text()), recordings / f"{oracle_path.stem}.c3d"
        analytics = analytics_of(oracle)
        yield {
            "path": f"P001/{path.name}",
            "size": path.stat().st_size,
            "subject": "P001",
            "sha256": oracle["sha256"],
            "game": json.dumps(oracle["metadata_as_seed"]),
            "params": json.dumps(oracle["processing_options"]),
            "analytics": json.dumps(analytics),
            "signals": json.dumps(signals_of(emg_core.open(path), oracle["available_channels_as_seed"])),
            "contractions": json.dumps({name: told["contractions"] for name, told in analytics.items()}),
            "mvc": json.dumps({name: told["mvc_estimated_p95"] for name, told in oracle["muscles"].items()}),
            "scores": json.dumps(oracle["scores_rpe7_bfr50_game850of1000"]),
            "temporal": json.dumps({name: muscle["temporal"] for name, muscle in oracle["muscles"].items()}),
        }


def fill(connection: psycopg.Connection, row: Mapping[str, Any]) -> None:
    """Store a session and its result as the earlier system did."""
    found = connection.execute(_ADD_SESSION, row).fetchone()
    assert found is not None
    connection.execute(_ADD_RESULT, {**row, "session": found[0]})


def copy(connection: psycopg.Connection, times: int) -> None:
    """Have each session so many times, each with a recording of its own."""
    connection.execute(_COPY, [times])
