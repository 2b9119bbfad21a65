-- Why: an administrator of one centre read who reads what in all of them. A line keeps the centre of its session, which
-- may be gone when the line is read; lines of no session, and of before, are for who reads all centres.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE audit_log ADD COLUMN centre varchar(63);

CREATE FUNCTION set_centre_of_audit_line() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.session_code IS NOT NULL THEN
        NEW.centre := coalesce((SELECT centre FROM therapy_sessions WHERE session_code = NEW.session_code), NEW.centre);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_log_centre BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION set_centre_of_audit_line();

CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    before  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ELSE '{}' END;
    after   jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ELSE '{}' END;
    changed jsonb;
    known   text := coalesce(after ->> 'session_code', before ->> 'session_code');
BEGIN
    -- Names of columns, never what is in them.
    SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') INTO changed
    FROM jsonb_object_keys(before || after) AS name
    WHERE before -> name IS DISTINCT FROM after -> name AND name <> 'updated_at';
    IF TG_OP = 'UPDATE' AND changed = '[]' THEN
        RETURN NULL;
    END IF;
    IF known IS NULL THEN
        SELECT session_code INTO known FROM therapy_sessions
        WHERE id = coalesce(after ->> 'session_id', before ->> 'session_id')::uuid;
    END IF;
    INSERT INTO audit_log (id, at, caller, operation, session_code, asked, reason, centre)
    VALUES (gen_random_uuid(), clock_timestamp(), 'database role ' || session_user, lower(TG_OP) || ' ' || TG_TABLE_NAME,
            known, CASE TG_OP WHEN 'UPDATE' THEN jsonb_build_object('columns', changed) ELSE '{}' END,
            left(nullif(current_setting('emg.reason', true), ''), 200),
            -- A session that goes can't be asked for it any more.
            CASE WHEN TG_TABLE_NAME IN ('therapy_sessions', 'tombstones') THEN coalesce(after ->> 'centre', before ->> 'centre') END);
    RETURN NULL;
END
$$;

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY anybody_adds ON audit_log FOR INSERT TO emg_api, emg_admin WITH CHECK (true);
CREATE POLICY own_centres ON audit_log FOR SELECT TO emg_admin
    USING ((SELECT '*' = ANY (readable_centres())) OR centre = ANY ((SELECT readable_centres())::text[]));
-- For the key that tells whether a line is there already: the one column that the API may read.
CREATE POLICY keys ON audit_log FOR SELECT TO emg_api USING (NOT pg_has_role('emg_admin', 'USAGE'));

COMMENT ON COLUMN audit_log.centre IS 'The centre of the session when it was read or changed; null for no session, and before 039';

REVOKE EXECUTE ON FUNCTION set_centre_of_audit_line() FROM PUBLIC;
