-- Why: researchers read flat views only, and of those there were three. Each table for people has one now, with the
-- session that every row is of, and a comment on each column that is the table's own.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- As before, and who the session is of.
CREATE OR REPLACE VIEW session_results WITH (security_barrier) AS
SELECT session.id AS session_id, stored.id AS result_id, provenance.result,
       session.session_code, session.subject, session.centre, stored.processing_version, stored.updated_at AS analyzed_at,
       session.file_hash
FROM therapy_sessions AS session
CROSS JOIN LATERAL (
    SELECT id, processing_version, updated_at
    FROM analysis_results
    WHERE file_hash = session.file_hash AND parameters = session.parameters AND analytics_summary IS NOT NULL
    ORDER BY updated_at DESC
    LIMIT 1) AS stored
JOIN provenance ON provenance.result_id = stored.id
WHERE (SELECT NOT row_security_active('therapy_sessions'::regclass) OR '*' = ANY (readable_centres()))
   OR session.centre = ANY ((SELECT readable_centres())::text[]);

CREATE VIEW bi_recordings WITH (security_barrier) AS
SELECT session_id, session_code, subject, size_bytes, byte_order, storage, frames, samples_per_channel, sample_rate_hz,
       point_rate_hz, duration_s, recorded_at, game_level, game_score, game_duration_s, centre
FROM session_results JOIN recordings USING (file_hash);

CREATE VIEW bi_provenance WITH (security_barrier) AS
SELECT session_id, session_code, subject, profile, profile_digest, core_version, processing_version, analyzed_at, centre
FROM session_results JOIN provenance USING (result, result_id);

CREATE VIEW bi_scores WITH (security_barrier) AS
SELECT session_id, session_code, subject, overall, compliance, symmetry, effort, game, bfr_compliant,
       cuff_pressure_permille_aop, centre
FROM session_results JOIN scores USING (result);

CREATE VIEW bi_channels WITH (security_barrier) AS
SELECT session_id, session_code, subject, channel_number, channel, unit, role, verdict,
       array_to_string(reasons, ' ') AS reasons, usable_s, usable_fraction, dc_offset_volts, mains_ratio, minimum_volts,
       maximum_volts, centre
FROM session_results JOIN channels USING (result);

CREATE VIEW bi_muscles WITH (security_barrier) AS
SELECT session_id, session_code, subject, muscle_number, muscle, raw_channel, timing_channel, timing_lag_ms, skipped,
       excluded_samples, rms_volts, mav_volts, iemg_volt_seconds, mpf_hz, mdf_hz, fi_nsm5, reference_method,
       reference_volts, threshold_volts, detection_threshold_volts, contractions, good_contractions,
       contractions_meeting_mvc, contractions_long_enough, mean_duration_ms, min_duration_ms, max_duration_ms,
       total_duration_ms, mean_amplitude_volts, max_amplitude_volts, mdf_slope_hz_per_minute, mdf_slope_low_hz_per_minute,
       mdf_slope_high_hz_per_minute, mdf_change_percent, compliance, completion, intensity, duration, centre
FROM session_results JOIN muscles USING (result);

-- What window_statistics shows, for a view with other rights.
CREATE FUNCTION windows_in(document jsonb)
RETURNS TABLE (muscle_number smallint, muscle text, metric text, windows integer, mean double precision,
               std double precision, min double precision, max double precision, cv double precision)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT each.number::smallint, each.muscle ->> 'name', metric.key, told.n, told.mean, told.std, told.min, told.max, told.cv
    FROM jsonb_array_elements(document -> 'muscles') WITH ORDINALITY AS each (muscle, number)
    CROSS JOIN jsonb_each(part_of(each.muscle, 'windows')) AS metric
    CROSS JOIN jsonb_to_record(metric.value) AS told (
        mean double precision, std double precision, min double precision, max double precision, n integer,
        cv double precision)
    WHERE jsonb_typeof(metric.value) = 'object';
END;

CREATE OR REPLACE VIEW window_statistics WITH (security_invoker = true) AS
SELECT provenance.result, told.muscle_number, told.metric, told.windows, told.mean, told.std, told.min, told.max, told.cv
FROM provenance
JOIN analysis_results AS stored ON stored.id = provenance.result_id
CROSS JOIN windows_in(stored.analytics_summary) AS told;

CREATE VIEW bi_windows WITH (security_barrier) AS
SELECT session_id, session_code, subject, told.*, centre
FROM session_results
JOIN (SELECT id, analytics_summary FROM analysis_results) AS stored ON stored.id = result_id
CROSS JOIN windows_in(stored.analytics_summary) AS told;

CREATE VIEW bi_faults WITH (security_barrier) AS
SELECT session_id, session_code, subject, fault, channel, kind, start_sample, end_sample, start_s, end_s, centre
FROM session_results JOIN faults USING (result);

GRANT SELECT ON bi_recordings, bi_provenance, bi_scores, bi_channels, bi_muscles, bi_windows, bi_faults
    TO emg_researcher, emg_admin;

COMMENT ON VIEW bi_recordings IS 'What the bytes of each analysed session''s recording say, one row per session';
COMMENT ON VIEW bi_provenance IS 'How the current result of each session was made, one row per session';
COMMENT ON VIEW bi_scores IS 'Scores of the current result, each 0 to 100, one row per session';
COMMENT ON VIEW bi_channels IS 'One row per channel of the current result of each session, with what is wrong with it';
COMMENT ON VIEW bi_muscles IS 'One row per muscle of the current result of each session, with its metrics';
COMMENT ON VIEW bi_windows IS 'One row per muscle and metric: how it varies over windows of one second, half overlapping';
COMMENT ON VIEW bi_faults IS 'One row per part of a channel that must not be trusted, the longest of each recording';

-- A column means what it means where it comes from: there its comment is.
DO $$
DECLARE
    told record;
BEGIN
    FOR told IN
        SELECT DISTINCT ON (shown.attrelid, shown.attnum) shown.attrelid::regclass AS view, shown.attname AS name, comment
        FROM unnest(ARRAY['recordings', 'provenance', 'scores', 'channels', 'muscles', 'windows', 'faults']) AS part
        JOIN pg_attribute AS shown ON shown.attrelid = ('bi_' || part)::regclass AND shown.attnum > 0
        CROSS JOIN unnest(ARRAY[part, 'muscles', 'window_statistics', 'bi_sessions']) WITH ORDINALITY AS source (name, place)
        JOIN pg_attribute AS known ON known.attrelid = to_regclass(source.name) AND known.attname = shown.attname
        CROSS JOIN col_description(known.attrelid, known.attnum) AS comment
        ORDER BY shown.attrelid, shown.attnum, source.place
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', told.view, told.name, told.comment);
    END LOOP;
END
$$;

COMMENT ON FUNCTION windows_in(jsonb) IS 'How the metrics of each muscle in a document vary over windows';
COMMENT ON COLUMN bi_channels.reasons IS 'Why, worst first, with a space between; empty where nothing is wrong';
COMMENT ON COLUMN session_results.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN session_results.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN session_results.centre IS 'The centre by centre_places; empty where no place has it';
COMMENT ON COLUMN session_results.processing_version IS 'Version of the storage format; 1.x is of the earlier system';
COMMENT ON COLUMN session_results.analyzed_at IS 'When the result was stored';
COMMENT ON COLUMN session_results.file_hash IS 'sha256 of the recording, hexadecimal';
