-- Why: a server may grant rights on every new table and function to roles of its own (ALTER DEFAULT PRIVILEGES), as
-- hosted ones do for visitors of their web interface. What no migration granted is taken back, and told. Who grants
-- something after this keeps it.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE centre_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE centre_readers ENABLE ROW LEVEL SECURITY;
ALTER TABLE tombstone_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON centre_places TO emg_admin USING (true);
CREATE POLICY members ON centre_readers TO emg_worker, emg_api, emg_operator, emg_researcher, emg_admin USING (true);

DO $$
DECLARE
    ours    regclass[] := ARRAY(
        SELECT oid FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relname IN (
            'schema_migrations', 'therapy_sessions', 'analysis_results', 'superseded_results', 'session_personal_data',
            'audit_log', 'adoptions', 'centre_places', 'centre_readers', 'tombstone_key', 'tombstones', 'recordings',
            'provenance', 'scores', 'channels', 'muscles', 'contractions', 'faults', 'window_statistics',
            'analysis_summary_optimized', 'analysis_versions', 'latest_sessions', 'session_results', 'bi_sessions',
            'bi_contractions', 'bi_subject_weeks', 'bi_recordings', 'bi_provenance', 'bi_scores', 'bi_channels',
            'bi_muscles', 'bi_windows', 'bi_faults'));
    theirs  record;
    part    text;
BEGIN
    FOR theirs IN
        WITH held AS (
            SELECT 'TABLE' AS kind, oid::regclass::text AS name, relacl AS acl FROM pg_class WHERE oid = ANY (ours)
            UNION ALL
            SELECT 'TABLE', attrelid::regclass::text, attacl FROM pg_attribute WHERE attrelid = ANY (ours)
            UNION ALL
            SELECT 'SEQUENCE', class.oid::regclass::text, class.relacl
            FROM pg_depend JOIN pg_class AS class ON class.oid = objid AND class.relkind = 'S'
            WHERE pg_depend.classid = 'pg_class'::regclass AND refobjid = ANY (ours) AND deptype IN ('a', 'i')
            UNION ALL
            SELECT 'FUNCTION', oid::regprocedure::text, proacl FROM pg_proc
            WHERE pronamespace = current_schema()::regnamespace AND proname IN (
                'audit_change', 'audit_truncation', 'calculate_storage_reduction', 'centre_of', 'centres_of_login',
                'delete_results_of_nobody', 'fill_tables_for_people', 'folder_of', 'forget_recording', 'is_erased',
                'is_result_of', 'keep_superseded_result', 'lock_erasure', 'move_sessions_to_their_centres', 'part_of',
                'pieces_of', 'readable_centres', 'refuse_change_of_audit_log', 'refuse_erased', 'searched_text',
                'sessions_found', 'set_centre', 'set_centre_of_audit_line', 'take_turns', 'timestamp_or_null',
                'tombstone_digest', 'windows_in'))
        SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS grantee,
               array_agg(DISTINCT kind || ' ' || name) AS parts
        FROM held CROSS JOIN aclexplode(acl) AS granted
        WHERE grantee <> grantor
          AND CASE grantee WHEN 0 THEN kind <> 'FUNCTION' ELSE pg_get_userbyid(grantee) NOT IN (
                  'emg_worker', 'emg_api', 'emg_operator', 'emg_researcher', 'emg_admin') END
        GROUP BY grantee
    LOOP
        FOREACH part IN ARRAY theirs.parts LOOP
            EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', part, theirs.grantee);
        END LOOP;
        RAISE NOTICE USING ERRCODE = 'EMG03', MESSAGE = format(
            'taken from %s: rights on %s', theirs.grantee, lower(array_to_string(theirs.parts, ', ')));
    END LOOP;
END
$$;
