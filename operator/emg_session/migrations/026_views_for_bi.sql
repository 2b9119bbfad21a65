-- Why: one row per session, per contraction, per subject and week, flat and in plain units, for tools and people that
-- should not have to know how tables hang together. No view here holds a file's name, its hash or free text.

CREATE INDEX therapy_sessions_list ON therapy_sessions (created_at DESC, session_code DESC);
CREATE INDEX therapy_sessions_subject ON therapy_sessions (subject, created_at DESC, session_code DESC);

-- The result of a session's own profile and options; of several kept for them the newest.
CREATE VIEW session_results AS
SELECT session.id AS session_id, stored.id AS result_id, provenance.result
FROM therapy_sessions AS session
CROSS JOIN LATERAL (
    SELECT id
    FROM analysis_results
    WHERE file_hash = session.file_hash AND parameters = session.parameters AND analytics_summary IS NOT NULL
    ORDER BY updated_at DESC
    LIMIT 1) AS stored
JOIN provenance ON provenance.result_id = stored.id;

-- Derived, not stored: ten rows for each session would take another 1.5 kB, and the document has them.
CREATE VIEW window_statistics AS
SELECT provenance.result, each.number::smallint AS muscle_number, metric.key AS metric, told.n AS windows,
       told.mean, told.std, told.min, told.max, told.cv
FROM provenance
JOIN analysis_results AS stored ON stored.id = provenance.result_id
CROSS JOIN jsonb_array_elements(stored.analytics_summary -> 'muscles') WITH ORDINALITY AS each (muscle, number)
CROSS JOIN jsonb_each(part_of(muscle, 'windows')) AS metric
CROSS JOIN jsonb_to_record(metric.value) AS told (
    mean double precision, std double precision, min double precision, max double precision, n integer,
    cv double precision)
WHERE jsonb_typeof(metric.value) = 'object';

CREATE VIEW bi_sessions AS
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
       scores.overall, scores.compliance, scores.symmetry, scores.effort, scores.game, scores.bfr_compliant
FROM therapy_sessions AS session
LEFT JOIN session_results AS current ON current.session_id = session.id
LEFT JOIN analysis_results AS stored ON stored.id = current.result_id
LEFT JOIN provenance ON provenance.result = current.result
LEFT JOIN scores ON scores.result = current.result
LEFT JOIN recordings AS recording ON recording.file_hash = session.file_hash
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS channels,
           avg(usable_fraction) AS usable_fraction,
           CASE WHEN bool_and(verdict = 'Usable') THEN 'good' ELSE 'poor' END AS quality
    FROM channels
    WHERE channels.result = current.result
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
    WHERE muscles.result = current.result
    HAVING count(*) > 0) AS muscle ON true;

CREATE VIEW bi_contractions AS
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
       contractions.meets_duration, contractions.is_good, contractions.long, contractions.merged, contractions.faults
FROM therapy_sessions AS session
JOIN session_results AS current ON current.session_id = session.id
JOIN provenance ON provenance.result = current.result
JOIN muscles ON muscles.result = current.result
JOIN contractions ON contractions.result = muscles.result AND contractions.muscle_number = muscles.muscle_number;

-- Weeks of a subject's programme, from its first session on, those without sessions too. The same recording uploaded
-- twice is one session.
CREATE VIEW bi_subject_weeks AS
WITH completed AS NOT MATERIALIZED (
    SELECT DISTINCT ON (flat.subject, session.file_hash)
           flat.subject, flat.session_at::date AS day, flat.contractions, flat.good_contractions, flat.overall,
           flat.compliance, flat.mean_rms_volts, flat.mean_mdf_hz
    FROM bi_sessions AS flat
    JOIN therapy_sessions AS session ON session.id = flat.session_id
    WHERE flat.subject IS NOT NULL AND flat.analyzed_at IS NOT NULL
    ORDER BY flat.subject, session.file_hash, flat.analyzed_at DESC
),
programme AS (
    SELECT subject, first_day, week, first_day + 7 * (week - 1) AS week_start
    FROM (SELECT subject, min(day) AS first_day, max(day) AS last_day FROM completed GROUP BY subject) AS span
    CROSS JOIN generate_series(1, (last_day - first_day) / 7 + 1) AS week
),
weekly AS (
    SELECT programme.subject, week, week_start,
           least(7 * week, greatest((now() AT TIME ZONE 'UTC')::date - first_day + 1, 1)) AS programme_day,
           count(day)::integer AS sessions,
           sum(contractions)::integer AS contractions,
           sum(good_contractions)::integer AS good_contractions,
           avg(overall) AS overall, avg(compliance) AS compliance,
           avg(mean_rms_volts) AS mean_rms_volts, avg(mean_mdf_hz) AS mean_mdf_hz
    FROM programme
    LEFT JOIN completed
           ON completed.subject = programme.subject AND day >= week_start AND day < week_start + 7
    GROUP BY programme.subject, first_day, week, week_start
),
counted AS (
    SELECT *, sum(sessions) OVER so_far AS sessions_so_far
    FROM weekly
    WINDOW so_far AS (PARTITION BY subject ORDER BY week)
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
       regr_slope(mean_mdf_hz, week) OVER so_far AS mdf_slope_hz_per_week
FROM counted
WINDOW so_far AS (PARTITION BY subject ORDER BY week);

COMMENT ON VIEW session_results IS 'The current result of every session that has one';
COMMENT ON COLUMN session_results.session_id IS 'therapy_sessions.id';
COMMENT ON COLUMN session_results.result_id IS 'analysis_results.id';
COMMENT ON COLUMN session_results.result IS 'provenance.result';

COMMENT ON VIEW window_statistics IS
    'How the metrics of a muscle vary over windows of one second, half overlapping; one row per metric';
COMMENT ON COLUMN window_statistics.result IS 'provenance.result';
COMMENT ON COLUMN window_statistics.muscle_number IS 'muscles.muscle_number';
COMMENT ON COLUMN window_statistics.metric IS
    'rms_volts, mav_volts, mpf_hz, mdf_hz or fi_nsm5; its unit is that of mean, std, min and max';
COMMENT ON COLUMN window_statistics.windows IS 'How many windows';
COMMENT ON COLUMN window_statistics.mean IS 'Mean, in the unit of the metric';
COMMENT ON COLUMN window_statistics.std IS 'Standard deviation (n - 1), in the unit of the metric';
COMMENT ON COLUMN window_statistics.min IS 'Smallest, in the unit of the metric';
COMMENT ON COLUMN window_statistics.max IS 'Largest, in the unit of the metric';
COMMENT ON COLUMN window_statistics.cv IS 'Standard deviation over mean, a ratio';

COMMENT ON VIEW bi_sessions IS 'One row per session; what only the analysis tells is null before it';
COMMENT ON COLUMN bi_sessions.session_id IS 'therapy_sessions.id';
COMMENT ON COLUMN bi_sessions.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN bi_sessions.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN bi_sessions.session_at IS
    'Local time of the recording system; UTC when it was received where the recording tells none or an impossible one';
COMMENT ON COLUMN bi_sessions.received_at IS 'When it was first heard of';
COMMENT ON COLUMN bi_sessions.analyzed_at IS 'When the current result was stored; null before the analysis';
COMMENT ON COLUMN bi_sessions.processing_version IS 'Version of the storage format; 1.x is of the earlier system';
COMMENT ON COLUMN bi_sessions.profile IS 'Name of the analysis profile';
COMMENT ON COLUMN bi_sessions.profile_digest IS 'sha256 of the profile with all its options, hexadecimal';
COMMENT ON COLUMN bi_sessions.core_version IS 'Version of the core that computed it';
COMMENT ON COLUMN bi_sessions.sample_rate_hz IS 'Analog sample rate, hertz';
COMMENT ON COLUMN bi_sessions.duration_s IS 'Duration of the recording, seconds';
COMMENT ON COLUMN bi_sessions.game_level IS 'Level of the game, no unit';
COMMENT ON COLUMN bi_sessions.game_score IS 'Points in the game';
COMMENT ON COLUMN bi_sessions.channels IS 'How many channels';
COMMENT ON COLUMN bi_sessions.usable_fraction IS 'Share of samples without faults, mean over channels, 0 to 1';
COMMENT ON COLUMN bi_sessions.quality IS 'good where every channel is Usable, else poor';
COMMENT ON COLUMN bi_sessions.muscles IS 'How many muscles';
COMMENT ON COLUMN bi_sessions.contractions IS 'How many contractions, all muscles';
COMMENT ON COLUMN bi_sessions.good_contractions IS 'How many meet every criterion that is set, all muscles';
COMMENT ON COLUMN bi_sessions.total_duration_ms IS 'Time under tension, all muscles, milliseconds';
COMMENT ON COLUMN bi_sessions.mean_rms_volts IS 'Root mean square, mean over muscles, volts';
COMMENT ON COLUMN bi_sessions.mean_mdf_hz IS 'Median frequency, mean over muscles, hertz';
COMMENT ON COLUMN bi_sessions.mean_mdf_slope_hz_per_minute IS
    'Slope of the median frequency over contractions, mean over muscles, hertz per minute';
COMMENT ON COLUMN bi_sessions.overall IS 'Overall score, 0 to 100';
COMMENT ON COLUMN bi_sessions.compliance IS 'Score, 0 to 100';
COMMENT ON COLUMN bi_sessions.symmetry IS 'Score, 0 to 100';
COMMENT ON COLUMN bi_sessions.effort IS 'Score, 0 to 100';
COMMENT ON COLUMN bi_sessions.game IS 'Score, 0 to 100';
COMMENT ON COLUMN bi_sessions.bfr_compliant IS
    'Whether cuff pressure was 45 to 55 % of the arterial occlusion pressure';

COMMENT ON VIEW bi_contractions IS 'One row per contraction of the current result of each session';
COMMENT ON COLUMN bi_contractions.session_id IS 'therapy_sessions.id';
COMMENT ON COLUMN bi_contractions.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN bi_contractions.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN bi_contractions.received_at IS 'When the session was first heard of';
COMMENT ON COLUMN bi_contractions.profile IS 'Name of the analysis profile';
COMMENT ON COLUMN bi_contractions.profile_digest IS 'sha256 of the profile with all its options, hexadecimal';
COMMENT ON COLUMN bi_contractions.core_version IS 'Version of the core that computed it';
COMMENT ON COLUMN bi_contractions.muscle_number IS 'From 1, in the order of the recording';
COMMENT ON COLUMN bi_contractions.muscle IS 'Name of the muscle, from its channels';
COMMENT ON COLUMN bi_contractions.reference_method IS
    'Where the reference comes from: Provided, File, InTaskP95, Default or None';
COMMENT ON COLUMN bi_contractions.threshold_volts IS 'Amplitude a contraction has to reach to meet MVC, volts';
COMMENT ON COLUMN bi_contractions.contraction IS 'From 1 within the muscle';
COMMENT ON COLUMN bi_contractions.start_sample IS 'First sample, from 0';
COMMENT ON COLUMN bi_contractions.end_sample IS 'Sample after the last';
COMMENT ON COLUMN bi_contractions.start_ms IS 'Start after the beginning of the recording, milliseconds';
COMMENT ON COLUMN bi_contractions.end_ms IS 'End after the beginning of the recording, milliseconds';
COMMENT ON COLUMN bi_contractions.duration_ms IS 'Duration, milliseconds';
COMMENT ON COLUMN bi_contractions.mean_amplitude_volts IS 'Mean of the envelope, volts';
COMMENT ON COLUMN bi_contractions.max_amplitude_volts IS 'Largest value of the envelope, volts';
COMMENT ON COLUMN bi_contractions.rms_volts IS 'Root mean square, volts';
COMMENT ON COLUMN bi_contractions.iemg_volt_seconds IS 'Integrated EMG, volt seconds';
COMMENT ON COLUMN bi_contractions.time_to_peak_ms IS 'From start to the largest value, milliseconds';
COMMENT ON COLUMN bi_contractions.mpf_hz IS 'Mean power frequency, hertz';
COMMENT ON COLUMN bi_contractions.mdf_hz IS 'Median frequency, hertz';
COMMENT ON COLUMN bi_contractions.meets_mvc IS 'Whether it reaches the threshold; null without a reference';
COMMENT ON COLUMN bi_contractions.meets_duration IS 'Whether it lasts as long as asked for';
COMMENT ON COLUMN bi_contractions.is_good IS 'Whether it meets every criterion that is set';
COMMENT ON COLUMN bi_contractions.long IS 'Whether it is longer than a contraction should be';
COMMENT ON COLUMN bi_contractions.merged IS 'How many gaps were merged away';
COMMENT ON COLUMN bi_contractions.faults IS 'How many unusable parts it touches';

COMMENT ON VIEW bi_subject_weeks IS
    'One row per subject and week of its programme up to the last session, with adherence and trends';
COMMENT ON COLUMN bi_subject_weeks.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN bi_subject_weeks.week IS 'Week of the programme, from 1';
COMMENT ON COLUMN bi_subject_weeks.week_start IS 'First day of the week; week 1 begins with the first session';
COMMENT ON COLUMN bi_subject_weeks.programme_day IS 'Day of the programme at the end of the week, or today, from 1';
COMMENT ON COLUMN bi_subject_weeks.sessions IS 'Recordings analysed in the week';
COMMENT ON COLUMN bi_subject_weeks.sessions_so_far IS 'Recordings analysed since the programme began';
COMMENT ON COLUMN bi_subject_weeks.expected_sessions IS 'How many a week should have';
COMMENT ON COLUMN bi_subject_weeks.adherence_percent IS
    'sessions_so_far of those expected by programme_day, 0 to 100; null before day 3';
COMMENT ON COLUMN bi_subject_weeks.contractions IS 'How many contractions';
COMMENT ON COLUMN bi_subject_weeks.good_contractions IS 'How many meet every criterion that is set';
COMMENT ON COLUMN bi_subject_weeks.overall IS 'Overall score, mean of the week, 0 to 100';
COMMENT ON COLUMN bi_subject_weeks.compliance IS 'Compliance, mean of the week, 0 to 100';
COMMENT ON COLUMN bi_subject_weeks.mean_rms_volts IS 'Root mean square, mean of the week, volts';
COMMENT ON COLUMN bi_subject_weeks.mean_mdf_hz IS 'Median frequency, mean of the week, hertz';
COMMENT ON COLUMN bi_subject_weeks.overall_change IS
    'Overall score against the week before, points; null where either has none';
COMMENT ON COLUMN bi_subject_weeks.overall_slope_per_week IS
    'Slope of the overall score over the weeks so far, points per week';
COMMENT ON COLUMN bi_subject_weeks.compliance_slope_per_week IS
    'Slope of compliance over the weeks so far, points per week';
COMMENT ON COLUMN bi_subject_weeks.rms_slope_volts_per_week IS
    'Slope of the root mean square over the weeks so far, volts per week';
COMMENT ON COLUMN bi_subject_weeks.mdf_slope_hz_per_week IS
    'Slope of the median frequency over the weeks so far, hertz per week';

COMMENT ON COLUMN analysis_summary_optimized.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN analysis_summary_optimized.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN analysis_summary_optimized.file_path IS 'URI of the recording';
COMMENT ON COLUMN analysis_summary_optimized.file_hash IS 'sha256 of the recording, hexadecimal';
COMMENT ON COLUMN analysis_summary_optimized.processing_version IS 'Version of the storage format';
COMMENT ON COLUMN analysis_summary_optimized.profile IS 'Name of the analysis profile';
COMMENT ON COLUMN analysis_summary_optimized.duration_s IS 'Duration of the recording, seconds';
COMMENT ON COLUMN analysis_summary_optimized.contractions IS 'How many contractions, all muscles';
COMMENT ON COLUMN analysis_summary_optimized.overall_score IS 'Overall score, 0 to 100';
COMMENT ON COLUMN analysis_summary_optimized.summary_bytes IS 'Length of the document as text, bytes';
COMMENT ON COLUMN analysis_summary_optimized.updated_at IS 'When the result was stored';
