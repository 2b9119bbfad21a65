-- Why: what was erased must stay erased, also where its recording still lies in storage, a notice comes late or its Job
-- was just running. Tombstones are keyed digests: they tell what must not come back, not whom it was about.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE tombstone_key (
    key    bytea NOT NULL,
    single boolean PRIMARY KEY DEFAULT true CHECK (single)
);

-- 244 random bits, without an extension.
INSERT INTO tombstone_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

CREATE TABLE tombstones (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest    bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    kind      text NOT NULL CHECK (kind IN ('subject', 'object', 'version')),
    centre    varchar(63) NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION tombstone_digest(kind text, about text) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT sha256(secret.key || sha256(secret.key || convert_to(kind || ':' || about, 'UTF8')))
    FROM tombstone_key AS secret;
END;

CREATE FUNCTION is_erased(uri text, version text, subject text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM tombstones AS tombstone
        WHERE tombstone.digest IN (tombstone_digest('subject', centre_of(uri) || '/' || subject),
                                   tombstone_digest('object', uri),
                                   tombstone_digest('version', uri || E'\n' || version)));
END;

-- Who stores holds the lock shared until the end of the transaction, who erases holds it alone: either the row is there
-- and erased, or it is refused.
CREATE FUNCTION refuse_erased() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4766201033);
    IF is_erased(NEW.file_path, NEW.object_version, NEW.subject) THEN
        RAISE EXCEPTION 'the recording was erased' USING ERRCODE = 'EMG02';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER therapy_sessions_refuse_erased BEFORE INSERT ON therapy_sessions
    FOR EACH ROW EXECUTE FUNCTION refuse_erased();

CREATE FUNCTION lock_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(4766201033);
    RETURN NULL;
END
$$;

CREATE TRIGGER therapy_sessions_lock_erasure BEFORE DELETE ON therapy_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION lock_erasure();

-- A result goes with the last session that has its recording, whoever deletes that.
CREATE FUNCTION delete_results_of_nobody() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    -- By schema and owner: a table of the caller's would run the caller's triggers with our rights.
    metadata regclass := (
        SELECT theirs.oid FROM pg_class AS ours JOIN pg_class AS theirs USING (relnamespace, relowner)
        WHERE ours.oid = TG_RELID AND theirs.relname = 'c3d_metadata' AND theirs.relkind IN ('r', 'p'));
BEGIN
    -- Of the earlier system a session may have results of other bytes, too.
    DELETE FROM analysis_results AS stored
    WHERE stored.session_id = OLD.id AND stored.file_hash IS DISTINCT FROM OLD.file_hash
      AND NOT EXISTS (SELECT FROM therapy_sessions AS other
                      WHERE other.file_hash = stored.file_hash AND other.id <> OLD.id);
    IF metadata IS NOT NULL THEN
        BEGIN
            EXECUTE format('DELETE FROM %I.c3d_metadata WHERE id = $1', TG_TABLE_SCHEMA) USING OLD.id;
        EXCEPTION WHEN foreign_key_violation THEN NULL;  -- a table that nobody here knows needs it
        END;
    END IF;
    IF OLD.file_hash IS NULL OR NOT EXISTS (
        SELECT FROM therapy_sessions AS other WHERE other.file_hash = OLD.file_hash AND other.id <> OLD.id) THEN
        DELETE FROM analysis_results WHERE file_hash = OLD.file_hash OR (file_hash IS NULL AND session_id = OLD.id);
        DELETE FROM superseded_results WHERE file_hash = OLD.file_hash;
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER therapy_sessions_delete_results BEFORE DELETE ON therapy_sessions
    FOR EACH ROW EXECUTE FUNCTION delete_results_of_nobody();

ALTER TABLE tombstones ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_centres ON tombstones
    USING ((SELECT '*' = ANY (readable_centres())) OR centre = ANY ((SELECT readable_centres())::text[]));

CREATE TRIGGER tombstones_audit AFTER INSERT OR UPDATE OR DELETE ON tombstones
    FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE TRIGGER tombstones_audit_truncation AFTER TRUNCATE ON tombstones
    FOR EACH STATEMENT EXECUTE FUNCTION audit_truncation();
ALTER TABLE tombstones ENABLE ALWAYS TRIGGER tombstones_audit, ENABLE ALWAYS TRIGGER tombstones_audit_truncation;

REVOKE ALL ON tombstone_key FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION tombstone_digest(text, text), is_erased(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tombstone_digest(text, text) TO emg_operator, emg_admin;
GRANT EXECUTE ON FUNCTION is_erased(text, text, text) TO emg_api, emg_operator, emg_admin;
GRANT SELECT, INSERT ON tombstones TO emg_operator, emg_admin;
GRANT DELETE ON tombstones TO emg_admin;
GRANT DELETE ON therapy_sessions TO emg_operator;
-- The receipt of an erasure.
GRANT INSERT ON audit_log TO emg_admin;

COMMENT ON TABLE tombstone_key IS 'The secret of the digests: who has it and the tombstones can try out whom they are about';
COMMENT ON COLUMN tombstone_key.key IS 'Random bytes, made with the table';
COMMENT ON COLUMN tombstone_key.single IS 'There is one row';
COMMENT ON TABLE tombstones IS 'What was erased and must not come back; who deletes a row allows it again';
COMMENT ON COLUMN tombstones.number IS 'Grows: who knows the largest knows whether there are new ones';
COMMENT ON COLUMN tombstones.digest IS 'tombstone_digest(kind, about), a keyed hash';
COMMENT ON COLUMN tombstones.kind IS
    'subject: about centre/subject; object: about a URI, all its versions; version: about URI, newline, version';
COMMENT ON COLUMN tombstones.centre IS 'The centre of what was erased, empty for none';
COMMENT ON COLUMN tombstones.erased_at IS 'When';
COMMENT ON FUNCTION is_erased(text, text, text) IS 'Whether a recording, by URI, version and subject, must not come back';
