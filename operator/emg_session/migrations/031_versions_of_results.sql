-- Why: a result is told by the recording's bytes, the profile's digest and the core's version. analysis_results keeps
-- the one that was computed last for a recording and its parameters; what it replaced is kept here, so that numbers that
-- were published once can be found again.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE superseded_results (
    file_hash         varchar(64) NOT NULL,
    parameters        jsonb NOT NULL,
    profile_digest    text NOT NULL,
    core_version      text NOT NULL,
    analytics_summary jsonb NOT NULL,
    computed_at       timestamptz NOT NULL,
    superseded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_hash, profile_digest, core_version, parameters)
);

CREATE FUNCTION keep_superseded_result() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    old_digest  text := coalesce(OLD.analytics_summary #>> '{profile,digest}', '');
    old_core    text := coalesce(OLD.analytics_summary #>> '{provenance,core_version}', '');
    new_digest  text := coalesce(NEW.analytics_summary #>> '{profile,digest}', '');
    new_core    text := coalesce(NEW.analytics_summary #>> '{provenance,core_version}', '');
BEGIN
    IF (old_digest, old_core) = (new_digest, new_core) THEN
        RETURN NULL;
    END IF;
    INSERT INTO superseded_results
        (file_hash, parameters, profile_digest, core_version, analytics_summary, computed_at)
    VALUES (OLD.file_hash, OLD.parameters, old_digest, old_core, OLD.analytics_summary, OLD.updated_at)
    ON CONFLICT (file_hash, profile_digest, core_version, parameters) DO UPDATE
    SET analytics_summary = excluded.analytics_summary, computed_at = excluded.computed_at, superseded_at = now();
    -- Computed again after others: it is the current one now, and no other.
    DELETE FROM superseded_results
    WHERE (file_hash, profile_digest, core_version, parameters)
          = (NEW.file_hash, new_digest, new_core, NEW.parameters);
    RETURN NULL;
END
$$;

-- Results of the earlier system (1.x) have no digest and no core.
CREATE TRIGGER analysis_results_keep_superseded AFTER UPDATE OF analytics_summary ON analysis_results
    FOR EACH ROW WHEN (OLD.analytics_summary IS NOT NULL AND NEW.analytics_summary IS NOT NULL
                       AND OLD.file_hash IS NOT NULL AND NEW.processing_version = '2.0')
    EXECUTE FUNCTION keep_superseded_result();

ALTER TABLE superseded_results ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_centres ON superseded_results
    USING ((SELECT '*' = ANY (readable_centres())) OR EXISTS (
        SELECT FROM therapy_sessions AS session WHERE session.file_hash = superseded_results.file_hash));

CREATE VIEW analysis_versions WITH (security_invoker = true) AS
SELECT file_hash, parameters, analytics_summary #>> '{profile,digest}' AS profile_digest,
       analytics_summary #>> '{provenance,core_version}' AS core_version, analytics_summary, updated_at AS computed_at,
       true AS is_current
FROM analysis_results
WHERE processing_version = '2.0' AND analytics_summary IS NOT NULL
UNION ALL
SELECT file_hash, parameters, profile_digest, core_version, analytics_summary, computed_at, false
FROM superseded_results;

GRANT SELECT ON superseded_results, analysis_versions TO emg_api, emg_operator, emg_admin;
GRANT DELETE ON superseded_results TO emg_admin;

COMMENT ON TABLE superseded_results IS 'Results that a later computation replaced: one row for a recording, profile digest, core version';
COMMENT ON COLUMN superseded_results.file_hash IS 'sha256 of the recording, hexadecimal';
COMMENT ON COLUMN superseded_results.parameters IS 'Profile and options that were asked for';
COMMENT ON COLUMN superseded_results.profile_digest IS 'Digest of the profile with its options, as the summary has it';
COMMENT ON COLUMN superseded_results.core_version IS 'Version of the core that computed it';
COMMENT ON COLUMN superseded_results.analytics_summary IS 'The document emg-summary/1';
COMMENT ON COLUMN superseded_results.computed_at IS 'When it was stored';
COMMENT ON COLUMN superseded_results.superseded_at IS 'When another became the current one';
COMMENT ON VIEW analysis_versions IS 'Every version of every result; is_current tells the one that sessions show';
