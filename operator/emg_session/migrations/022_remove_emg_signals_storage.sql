-- Why: signals are served just in time from the recording, so no time series is stored any more: kilobytes of summary
-- instead of 28 to 75 MB a session. Results of the earlier system stay, marked with their own processing version.

DROP VIEW IF EXISTS analysis_summary_optimized;
ALTER TABLE analysis_results DROP COLUMN IF EXISTS emg_signals;

ALTER TABLE analysis_results
    ADD COLUMN IF NOT EXISTS analytics_summary    jsonb,
    ADD COLUMN IF NOT EXISTS processing_version   varchar(20),
    ADD COLUMN IF NOT EXISTS optimization_applied boolean;

-- Rows without a version come from the earlier system; only the newest of equal ones is '1.0', for the key below.
WITH numbered AS (
    SELECT id, row_number() OVER (PARTITION BY file_hash, parameters ORDER BY created_at DESC, id) AS place
    FROM analysis_results
    WHERE processing_version IS NULL
)
UPDATE analysis_results AS result
SET processing_version   = CASE WHEN numbered.place = 1 THEN '1.0' ELSE '1.0-' || numbered.place END,
    optimization_applied = false
FROM numbered
WHERE numbered.id = result.id;

ALTER TABLE analysis_results
    ALTER COLUMN processing_version   SET DEFAULT '2.0',
    ALTER COLUMN processing_version   SET NOT NULL,
    ALTER COLUMN optimization_applied SET DEFAULT true,
    ALTER COLUMN optimization_applied SET NOT NULL;

-- No array in a summary is longer than its contractions or windows; a time series has 990 values a second.
ALTER TABLE analysis_results
    DROP CONSTRAINT IF EXISTS analysis_results_no_time_series,
    ADD CONSTRAINT analysis_results_no_time_series CHECK (
        NOT jsonb_path_exists(analytics_summary, 'strict $.** ? (@.type() == "array" && @.size() > 4096)')
        AND octet_length(analytics_summary::text) <= 1048576
    );

CREATE UNIQUE INDEX IF NOT EXISTS analysis_results_key ON analysis_results (file_hash, processing_version, parameters);
CREATE INDEX IF NOT EXISTS analysis_results_summary ON analysis_results USING gin (analytics_summary jsonb_path_ops);
CREATE INDEX IF NOT EXISTS analysis_results_session ON analysis_results (session_id);

COMMENT ON COLUMN analysis_results.analytics_summary IS 'The document emg-summary/1; never a time series';
COMMENT ON COLUMN analysis_results.processing_version IS 'Version of the storage format: 2.x has no time series';
COMMENT ON COLUMN analysis_results.optimization_applied IS 'Whether the row was written without time series';

CREATE VIEW analysis_summary_optimized AS
SELECT session.session_code,
       session.subject,
       session.file_path,
       result.file_hash,
       result.processing_version,
       result.analytics_summary #>> '{profile,name}'                            AS profile,
       (result.analytics_summary #>> '{recording,duration_s}')::double precision AS duration_s,
       (SELECT sum((muscle #>> '{contraction_summary,count}')::bigint)
        FROM jsonb_array_elements(result.analytics_summary -> 'muscles') AS muscle) AS contractions,
       (result.analytics_summary #>> '{scores,overall}')::double precision      AS overall_score,
       octet_length(result.analytics_summary::text)                             AS summary_bytes,
       result.updated_at
FROM analysis_results AS result
JOIN therapy_sessions AS session ON session.file_hash = result.file_hash AND session.parameters = result.parameters
WHERE result.optimization_applied;

COMMENT ON VIEW analysis_summary_optimized IS 'Every stored summary with the session it belongs to, one line each';

-- The earlier system wrote about 430 bytes of JSON per sample instant (28 to 75 MB for 63,000 to 173,000 samples).
CREATE OR REPLACE FUNCTION calculate_storage_reduction()
RETURNS TABLE (results bigint, summary_bytes bigint, time_series_bytes bigint, reduction_percent numeric)
LANGUAGE sql STABLE AS $$
    SELECT count(*),
           coalesce(sum(octet_length(analytics_summary::text)), 0)::bigint,
           coalesce(sum((analytics_summary #>> '{recording,samples_per_channel}')::bigint * 430), 0)::bigint,
           round(100 * (1 - sum(octet_length(analytics_summary::text))::numeric
                 / nullif(sum((analytics_summary #>> '{recording,samples_per_channel}')::bigint * 430), 0)), 3)
    FROM analysis_results
    WHERE optimization_applied AND analytics_summary IS NOT NULL
$$;

COMMENT ON FUNCTION calculate_storage_reduction() IS 'What is stored, what the earlier system would have stored, percent saved';
