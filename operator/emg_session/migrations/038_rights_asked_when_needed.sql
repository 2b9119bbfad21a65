-- Why: whose rows a restricted login sees was written out for each table down to its session, and planned with every
-- question, also for logins that see all: three milliseconds for a page of the list. A function with its owner's rights
-- goes the way in one step, and only for who needs it. Who calls it by hand learns that a number is taken, and no more.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE FUNCTION is_result_of(result integer, centres text[]) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM provenance AS made
        JOIN analysis_results AS stored ON stored.id = made.result_id
        JOIN therapy_sessions AS session ON session.file_hash = stored.file_hash
        WHERE made.result = is_result_of.result AND session.centre = ANY (centres));
END;

DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['provenance', 'scores', 'channels', 'muscles', 'contractions', 'faults'] LOOP
        EXECUTE format('ALTER POLICY own_centres ON %I USING ((SELECT ''*'' = ANY (readable_centres()))'
                       ' OR is_result_of(result, (SELECT readable_centres())))', part);
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION is_result_of(integer, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_result_of(integer, text[]) TO emg_api, emg_operator, emg_admin;

COMMENT ON FUNCTION is_result_of(integer, text[]) IS 'Whether a result, by provenance.result, is of a session of some centres';
