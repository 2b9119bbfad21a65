-- Why: a subject's tombstone is about its centre, as the same code means another person elsewhere. So it lost its hold
-- where the place of its recordings got a centre, or another one, later. Its folder stays where it is: that has a
-- tombstone of its own. And a session that was stored while its place moved kept the centre of before.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE tombstones
    DROP CONSTRAINT tombstones_kind_check,
    ADD CONSTRAINT tombstones_kind_check CHECK (kind IN ('subject', 'folder', 'object', 'version'));

CREATE FUNCTION folder_of(uri text, subject text) RETURNS text LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT left(uri, nullif(position('/' || subject || '/' IN uri), 0) + length(subject) + 1);
END;

CREATE OR REPLACE FUNCTION is_erased(uri text, version text, subject text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM tombstones AS tombstone
        WHERE tombstone.digest IN (tombstone_digest('subject', centre_of(uri) || '/' || subject),
                                   tombstone_digest('folder', folder_of(uri, subject)),
                                   tombstone_digest('object', uri),
                                   tombstone_digest('version', uri || E'\n' || version)));
END;

-- Who stores a session shares this lock until the end; who erases, or moves places, holds it alone. So a session has the
-- centre of its place once both are there.
CREATE OR REPLACE FUNCTION set_centre() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4766201033);
    NEW.centre := centre_of(NEW.file_path);
    RETURN NEW;
END
$$;

CREATE TRIGGER centre_places_lock_erasure BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON centre_places
    FOR EACH STATEMENT EXECUTE FUNCTION lock_erasure();

COMMENT ON FUNCTION folder_of(text, text) IS 'The folder of a subject that a recording lies in, by its URI; null without one';
COMMENT ON COLUMN tombstones.kind IS
    'subject: about centre/subject; folder: about the URI of a subject''s folder, whatever its centre; object: about a URI,'
    ' all its versions; version: about URI, newline, version';
