-- Why: the audit log has to tell of changes, too, also of those made by hand. Triggers write a line for every row that is
-- added, changed or removed; programs and people say why in the setting emg.reason of their transaction.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A change has no HTTP status.
ALTER TABLE audit_log ALTER COLUMN status DROP NOT NULL;

CREATE FUNCTION audit_change() RETURNS trigger
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
    INSERT INTO audit_log (id, at, caller, operation, session_code, asked, reason)
    VALUES (gen_random_uuid(), clock_timestamp(), 'database role ' || session_user, lower(TG_OP) || ' ' || TG_TABLE_NAME,
            known, CASE TG_OP WHEN 'UPDATE' THEN jsonb_build_object('columns', changed) ELSE '{}' END,
            left(nullif(current_setting('emg.reason', true), ''), 200));
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_truncation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit_log (id, at, caller, operation, asked, reason)
    VALUES (gen_random_uuid(), clock_timestamp(), 'database role ' || session_user, 'truncate ' || TG_TABLE_NAME, '{}',
            left(nullif(current_setting('emg.reason', true), ''), 200));
    RETURN NULL;
END
$$;

DO $$
DECLARE
    audited text;
BEGIN
    FOREACH audited IN ARRAY ARRAY['therapy_sessions', 'analysis_results', 'session_personal_data', 'centre_places',
                                   'centre_readers'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION audit_change()',
                       audited || '_audit', audited);
        EXECUTE format('CREATE TRIGGER %I AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION audit_truncation()',
                       audited || '_audit_truncation', audited);
        -- ALWAYS: also where session_replication_role would leave triggers out.
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', audited, audited || '_audit');
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', audited, audited || '_audit_truncation');
    END LOOP;
END
$$;

COMMENT ON TABLE audit_log IS
    'Every read of signals, summaries and lists of sessions, refused ones too, and every change of a row; append-only';
COMMENT ON COLUMN audit_log.caller IS
    'A reader by a pseudonym: the first 32 hexadecimal digits of sha256(issuer || newline || subject of the token); who'
    ' changed rows by the database user''s name';
COMMENT ON COLUMN audit_log.operation IS 'The operationId in /openapi.json; or insert, update, delete, truncate and the table';
COMMENT ON COLUMN audit_log.asked IS 'Of reads: channel, window, filters; of updates: the columns that changed, never their values';
COMMENT ON COLUMN audit_log.status IS 'The HTTP status of a read''s answer, null for changes';
COMMENT ON COLUMN audit_log.reason IS 'Why, in the caller''s words (header Emg-Reason; setting emg.reason)';
