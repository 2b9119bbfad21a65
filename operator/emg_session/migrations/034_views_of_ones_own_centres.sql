-- Why: researchers read the flat views and nothing else, and of those only what their centres have. One subject's code may
-- mean another person in another centre, so weeks are counted for each. Programs restricted to some centres see no more
-- in the tables for people than in the document they are made of.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE OR REPLACE VIEW session_results WITH (security_barrier) AS
SELECT session.id AS session_id, stored.id AS result_id, provenance.result
FROM therapy_sessions AS session
CROSS JOIN LATERAL (
    SELECT id
    FROM analysis_results
    WHERE file_hash = session.file_hash AND parameters = session.parameters AND analytics_summary IS NOT NULL
    ORDER BY updated_at DESC
    LIMIT 1) AS stored
JOIN provenance ON provenance.result_id = stored.id
WHERE (SELECT NOT row_security_active('therapy_sessions'::regclass) OR '*' = ANY (readable_centres()))
   OR session.centre = ANY ((SELECT readable_centres())::text[]);

CREATE OR REPLACE VIEW bi_sessions WITH (security_barrier) AS
SELECT session.id AS session_id,
       session.session_code,
       session.subject,
       -- A clock that is years off would put the session into another programme.
       CASE WHEN recording.recorded_at BETWEEN '2000-01-01' AND session.created_at AT TIME ZONE 'UTC' + interval '1 day'
            THEN recording.recorded_at
            ELSE session.created_at AT TIME ZONE 'UTC'
       END AS session_at,
       session.created_at AS received_at,
       stored.updated_at AS analyzed_at,
       stored.processing_version,
       provenance.profile, provenance.profile_digest, provenance.core_version,
       recording.sample_rate_hz, recording.duration_s, recording.game_level, recording.game_score,
       channel.channels, channel.usable_fraction, channel.quality,
       muscle.muscles, muscle.contractions, muscle.good_contractions, muscle.total_duration_ms,
       muscle.mean_rms_volts, muscle.mean_mdf_hz, muscle.mean_mdf_slope_hz_per_minute,
       scores.overall, scores.compliance, scores.symmetry, scores.effort, scores.game, scores.bfr_compliant,
       session.centre
FROM therapy_sessions AS session
-- As in session_results, which joined here would be made for all sessions before one subject's are picked.
LEFT JOIN LATERAL (
    SELECT id, updated_at, processing_version
    FROM analysis_results
    WHERE file_hash = session.file_hash AND parameters = session.parameters AND analytics_summary IS NOT NULL
    ORDER BY updated_at DESC
    LIMIT 1) AS stored ON true
LEFT JOIN provenance ON provenance.result_id = stored.id
LEFT JOIN scores ON scores.result = provenance.result
LEFT JOIN recordings AS recording ON recording.file_hash = session.file_hash
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS channels,
           avg(usable_fraction) AS usable_fraction,
           CASE WHEN bool_and(verdict = 'Usable') THEN 'good' ELSE 'poor' END AS quality
    FROM channels
    WHERE channels.result = provenance.result
    HAVING count(*) > 0) AS channel ON true
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS muscles,
           sum(contractions)::integer AS contractions,
           sum(good_contractions)::integer AS good_contractions,
           sum(total_duration_ms) AS total_duration_ms,
           avg(rms_volts) AS mean_rms_volts,
           avg(mdf_hz) AS mean_mdf_hz,
           avg(mdf_slope_hz_per_minute) AS mean_mdf_slope_hz_per_minute
    FROM muscles
    WHERE muscles.result = provenance.result
    HAVING count(*) > 0) AS muscle ON true
WHERE (SELECT NOT row_security_active('therapy_sessions'::regclass) OR '*' = ANY (readable_centres()))
   OR session.centre = ANY ((SELECT readable_centres())::text[]);

CREATE OR REPLACE VIEW bi_contractions WITH (security_barrier) AS
SELECT session.id AS session_id,
       session.session_code,
       session.subject,
       session.created_at AS received_at,
       provenance.profile, provenance.profile_digest, provenance.core_version,
       muscles.muscle_number, muscles.muscle, muscles.reference_method, muscles.threshold_volts,
       contractions.contraction, contractions.start_sample, contractions.end_sample, contractions.start_ms,
       contractions.end_ms, contractions.duration_ms, contractions.mean_amplitude_volts,
       contractions.max_amplitude_volts, contractions.rms_volts, contractions.iemg_volt_seconds,
       contractions.time_to_peak_ms, contractions.mpf_hz, contractions.mdf_hz, contractions.meets_mvc,
       contractions.meets_duration, contractions.is_good, contractions.long, contractions.merged, contractions.faults,
       session.centre
FROM therapy_sessions AS session
CROSS JOIN LATERAL (
    SELECT id
    FROM analysis_results
    WHERE file_hash = session.file_hash AND parameters = session.parameters AND analytics_summary IS NOT NULL
    ORDER BY updated_at DESC
    LIMIT 1) AS stored
JOIN provenance ON provenance.result_id = stored.id
JOIN muscles ON muscles.result = provenance.result
JOIN contractions ON contractions.result = muscles.result AND contractions.muscle_number = muscles.muscle_number
WHERE (SELECT NOT row_security_active('therapy_sessions'::regclass) OR '*' = ANY (readable_centres()))
   OR session.centre = ANY ((SELECT readable_centres())::text[]);

-- What a profile makes of the weeks is comparable with itself alone, so each has rows of its own. A recording counts from
-- its first session on, whoever analysed it again.
CREATE OR REPLACE VIEW bi_subject_weeks AS
WITH completed AS NOT MATERIALIZED (
    SELECT DISTINCT ON (flat.centre, flat.subject, session.file_hash, flat.profile)
           flat.centre, flat.subject, session.file_hash, flat.profile,
           min(flat.session_at) OVER (PARTITION BY flat.centre, flat.subject, session.file_hash)::date AS day,
           flat.contractions, flat.good_contractions, flat.overall, flat.compliance, flat.mean_rms_volts, flat.mean_mdf_hz
    FROM bi_sessions AS flat
    JOIN therapy_sessions AS session ON session.id = flat.session_id
    WHERE flat.subject IS NOT NULL AND flat.analyzed_at IS NOT NULL
    ORDER BY flat.centre, flat.subject, session.file_hash, flat.profile, flat.analyzed_at DESC
),
programme AS (
    SELECT centre, subject, profile, first_day, week, first_day + 7 * (week - 1) AS week_start
    FROM (SELECT centre, subject, array_agg(DISTINCT profile) AS profiles, min(day) AS first_day, max(day) AS last_day
          FROM completed GROUP BY centre, subject) AS span
    CROSS JOIN unnest(profiles) AS profile
    CROSS JOIN generate_series(1, (last_day - first_day) / 7 + 1) AS week
),
weekly AS (
    SELECT programme.centre, programme.subject, programme.profile, week, week_start,
           least(7 * week, greatest((now() AT TIME ZONE 'UTC')::date - first_day + 1, 1)) AS programme_day,
           count(DISTINCT file_hash)::integer AS sessions,
           sum(contractions) FILTER (WHERE is_of_profile)::integer AS contractions,
           sum(good_contractions) FILTER (WHERE is_of_profile)::integer AS good_contractions,
           avg(overall) FILTER (WHERE is_of_profile) AS overall,
           avg(compliance) FILTER (WHERE is_of_profile) AS compliance,
           avg(mean_rms_volts) FILTER (WHERE is_of_profile) AS mean_rms_volts,
           avg(mean_mdf_hz) FILTER (WHERE is_of_profile) AS mean_mdf_hz
    FROM programme
    LEFT JOIN completed
           ON completed.centre = programme.centre AND completed.subject = programme.subject
          AND day >= week_start AND day < week_start + 7
    CROSS JOIN LATERAL (SELECT completed.profile IS NOT DISTINCT FROM programme.profile) AS same (is_of_profile)
    GROUP BY programme.centre, programme.subject, programme.profile, first_day, week, week_start
),
counted AS (
    SELECT *, sum(sessions) OVER so_far AS sessions_so_far
    FROM weekly
    WINDOW so_far AS (PARTITION BY centre, subject, profile ORDER BY week)
)
SELECT subject, week, week_start, programme_day, sessions, sessions_so_far::integer,
       15 AS expected_sessions,
       CASE WHEN programme_day >= 3
            THEN least(100, 100 * sessions_so_far / (15.0 / 7 * programme_day))::double precision
       END AS adherence_percent,
       contractions, good_contractions, overall, compliance, mean_rms_volts, mean_mdf_hz,
       overall - lag(overall) OVER so_far AS overall_change,
       regr_slope(overall, week) OVER so_far AS overall_slope_per_week,
       regr_slope(compliance, week) OVER so_far AS compliance_slope_per_week,
       regr_slope(mean_rms_volts, week) OVER so_far AS rms_slope_volts_per_week,
       regr_slope(mean_mdf_hz, week) OVER so_far AS mdf_slope_hz_per_week,
       centre, profile,
       regr_count(mean_rms_volts, week) OVER so_far AS weeks_with_data
FROM counted
WINDOW so_far AS (PARTITION BY centre, subject, profile ORDER BY week);

-- With its owner's rights it would show every centre.
ALTER VIEW window_statistics SET (security_invoker = true);

ALTER TABLE recordings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_centres ON recordings
    USING ((SELECT '*' = ANY (readable_centres())) OR EXISTS (
        SELECT FROM therapy_sessions AS session WHERE session.file_hash = recordings.file_hash));
ALTER TABLE provenance ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_centres ON provenance
    USING ((SELECT '*' = ANY (readable_centres())) OR EXISTS (
        SELECT FROM analysis_results AS stored WHERE stored.id = provenance.result_id));

DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['scores', 'channels', 'muscles', 'contractions', 'faults'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('CREATE POLICY own_centres ON %1$I USING ((SELECT ''*'' = ANY (readable_centres())) OR EXISTS'
                       ' (SELECT FROM provenance WHERE provenance.result = %1$I.result))', part);
    END LOOP;
END
$$;

GRANT SELECT ON recordings, provenance, scores, channels, muscles, contractions, faults, session_results,
                window_statistics TO emg_api, emg_operator, emg_admin;
GRANT SELECT ON bi_sessions, bi_contractions, bi_subject_weeks TO emg_researcher, emg_admin;

COMMENT ON VIEW bi_subject_weeks IS
    'One row per subject of a centre, profile and week of the programme up to the last session, with adherence and trends';
COMMENT ON COLUMN bi_subject_weeks.profile IS
    'Name of the analysis profile that metrics, scores and trends are by; sessions and adherence are by any';
COMMENT ON COLUMN bi_subject_weeks.weeks_with_data IS
    'How many weeks so far have an analysed session by the profile: what a slope of two says is little';
COMMENT ON COLUMN bi_sessions.centre IS 'The centre by centre_places; empty where no place has it';
COMMENT ON COLUMN bi_contractions.centre IS 'The centre by centre_places; empty where no place has it';
COMMENT ON COLUMN bi_subject_weeks.centre IS 'The centre by centre_places; empty where no place has it';
COMMENT ON COLUMN analysis_versions.file_hash IS 'sha256 of the recording, hexadecimal';
COMMENT ON COLUMN analysis_versions.parameters IS 'Profile and options that were asked for';
COMMENT ON COLUMN analysis_versions.profile_digest IS 'sha256 of the profile with all its options, hexadecimal';
COMMENT ON COLUMN analysis_versions.core_version IS 'Version of the core that computed it';
COMMENT ON COLUMN analysis_versions.analytics_summary IS 'The document emg-summary/1';
COMMENT ON COLUMN analysis_versions.computed_at IS 'When it was stored';
COMMENT ON COLUMN analysis_versions.is_current IS 'Whether sessions show this version';

-- Whoever may run a trigger function may hang it on a table of their own, and it would act with its owner's rights.
DO $$
DECLARE
    ours regprocedure;
BEGIN
    FOR ours IN SELECT oid FROM pg_proc
                WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', ours);
    END LOOP;
END
$$;
