-- Why: a schema may give what is made in it to others by default, as Supabase's gives all of it to `anon`. What is ours
-- is its owner's and the emg_ roles' alone; who else is to read is granted one of these.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

DO $$
DECLARE
    others record;
BEGIN
    FOR others IN
        SELECT DISTINCT format('ON %s FROM %s', ours.target, coalesce(quote_ident(role.rolname), 'PUBLIC')) AS granted
        FROM (SELECT format('TABLE %s', oid::regclass) AS target, relowner AS owner, relacl AS rights
              FROM pg_class
              WHERE relnamespace = current_schema()::regnamespace
                AND relname = ANY (ARRAY[
                    'adoptions', 'analysis_results', 'analysis_summary_optimized', 'analysis_versions', 'audit_log',
                    'bi_channels', 'bi_contractions', 'bi_faults', 'bi_muscles', 'bi_provenance', 'bi_recordings',
                    'bi_scores', 'bi_sessions', 'bi_subject_weeks', 'bi_windows', 'c3d_metadata', 'centre_places',
                    'centre_readers', 'channels', 'contractions', 'faults', 'latest_sessions', 'muscles', 'provenance',
                    'recordings', 'schema_migrations', 'scores', 'session_personal_data', 'session_results',
                    'superseded_results', 'therapy_sessions', 'tombstone_key', 'tombstones', 'window_statistics'])
              UNION ALL
              SELECT format('FUNCTION %s', oid::regprocedure), proowner, proacl
              FROM pg_proc
              WHERE pronamespace = current_schema()::regnamespace AND (prosecdef OR prorettype = 'trigger'::regtype)
             ) AS ours
        CROSS JOIN aclexplode(ours.rights) AS entry
        LEFT JOIN pg_roles AS role ON role.oid = entry.grantee
        WHERE entry.grantee <> ours.owner AND coalesce(role.rolname, '') NOT LIKE 'emg\_%'
    LOOP
        EXECUTE format('REVOKE ALL %s', others.granted);
    END LOOP;
END
$$;
