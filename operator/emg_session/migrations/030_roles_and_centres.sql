-- Why: each program and person gets the rights they need and no more. Roles that nobody logs in with hold the rights;
-- login roles are granted them. Who is restricted to some centres sees their rows only. The tables' owner is not
-- restricted, so that an installation with one database user goes on as before.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['emg_worker', 'emg_api', 'emg_operator', 'emg_researcher', 'emg_admin'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            -- Roles belong to the whole server: another of its databases may be making them just now.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE = format(
                    'role %s is missing and %s may not create roles: have an administrator of the server run'
                    ' CREATE ROLE emg_worker; CREATE ROLE emg_api; CREATE ROLE emg_operator;'
                    ' CREATE ROLE emg_researcher; CREATE ROLE emg_admin; then migrate again', wanted, current_user);
        END;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO emg_worker, emg_api, emg_operator, emg_researcher, emg_admin',
                   current_schema());
END
$$;

CREATE TABLE centre_places (
    uri_prefix text PRIMARY KEY CHECK (uri_prefix LIKE '%_/'),
    centre     varchar(63) NOT NULL CHECK (centre ~ '^[a-z0-9][a-z0-9-]*$')
);

CREATE TABLE centre_readers (
    role_name name NOT NULL,
    centre    varchar(63) NOT NULL CHECK (centre ~ '^([a-z0-9][a-z0-9-]*|[*])$'),
    PRIMARY KEY (role_name, centre)
);

INSERT INTO centre_readers (role_name, centre)
VALUES ('emg_worker', '*'), ('emg_api', '*'), ('emg_operator', '*'), ('emg_admin', '*');

ALTER TABLE therapy_sessions ADD COLUMN centre varchar(63) NOT NULL DEFAULT '';

CREATE FUNCTION centre_of(uri text) RETURNS varchar LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT place.centre FROM centre_places AS place WHERE starts_with(uri, place.uri_prefix)
                     ORDER BY length(place.uri_prefix) DESC LIMIT 1), '');
END;

CREATE FUNCTION set_centre() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    NEW.centre := centre_of(NEW.file_path);
    RETURN NEW;
END
$$;

CREATE TRIGGER therapy_sessions_centre BEFORE INSERT OR UPDATE OF file_path, centre ON therapy_sessions
    FOR EACH ROW EXECUTE FUNCTION set_centre();

CREATE FUNCTION move_sessions_to_their_centres() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE therapy_sessions SET centre = centre_of(file_path) WHERE centre IS DISTINCT FROM centre_of(file_path);
    RETURN NULL;
END
$$;

CREATE TRIGGER centre_places_move_sessions AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON centre_places
    FOR EACH STATEMENT EXECUTE FUNCTION move_sessions_to_their_centres();

-- Bound to the tables when they are made: no temporary table of a reader's can stand in for them.
CREATE FUNCTION readable_centres() RETURNS text[] LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(reader.centre::text), '{}')
    FROM centre_readers AS reader
    JOIN pg_roles AS role ON role.rolname = reader.role_name
    WHERE pg_has_role(role.oid, 'USAGE');
END;

-- Any one policy that allows is enough: with one of an earlier system everybody would see every centre.
DO $$
DECLARE
    earlier record;
BEGIN
    FOR earlier IN SELECT polname AS name FROM pg_policy WHERE polrelid = 'therapy_sessions'::regclass LOOP
        EXECUTE format('DROP POLICY %I ON therapy_sessions', earlier.name);
        RAISE NOTICE USING ERRCODE = 'EMG03', MESSAGE = format('dropped: policy %s of therapy_sessions', earlier.name);
    END LOOP;
END
$$;

ALTER TABLE therapy_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE analysis_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_personal_data ENABLE ROW LEVEL SECURITY;

-- As subqueries, the centres are looked up once for a statement and not for each row.
CREATE POLICY own_centres ON therapy_sessions
    USING ((SELECT '*' = ANY (readable_centres())) OR centre = ANY ((SELECT readable_centres())::text[]));
CREATE POLICY own_centres ON analysis_results
    USING ((SELECT '*' = ANY (readable_centres())) OR EXISTS (
        SELECT FROM therapy_sessions AS session WHERE session.file_hash = analysis_results.file_hash));
CREATE POLICY own_centres ON session_personal_data
    USING ((SELECT '*' = ANY (readable_centres())) OR EXISTS (
        SELECT FROM therapy_sessions AS session WHERE session.id = session_personal_data.session_id));

GRANT SELECT ON schema_migrations, centre_readers TO emg_worker, emg_api, emg_operator, emg_researcher, emg_admin;
GRANT SELECT, INSERT, UPDATE ON therapy_sessions TO emg_worker, emg_api, emg_operator;
GRANT SELECT, INSERT, UPDATE ON analysis_results TO emg_worker;
GRANT SELECT ON analysis_results, analysis_summary_optimized TO emg_api, emg_operator, emg_admin;
-- The worker writes personal data and can't read it; ON CONFLICT needs the key.
GRANT INSERT, UPDATE, SELECT (session_id) ON session_personal_data TO emg_worker;
-- The API adds lines and can't read them; ON CONFLICT needs the key.
GRANT INSERT, SELECT (id) ON audit_log TO emg_api;
GRANT SELECT, UPDATE, DELETE ON therapy_sessions, analysis_results, session_personal_data TO emg_admin;
GRANT SELECT ON audit_log TO emg_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON centre_places, centre_readers TO emg_admin;

-- With its owner's rights it would show every centre.
ALTER VIEW analysis_summary_optimized SET (security_invoker = true);

COMMENT ON TABLE centre_places IS 'Which centre recordings belong to, by where they lie; the longest prefix counts';
COMMENT ON COLUMN centre_places.uri_prefix IS 'Beginning of recordings'' URIs, up to a slash, e.g. s3://recordings/leiden/';
COMMENT ON COLUMN centre_places.centre IS 'Name of the centre';
COMMENT ON TABLE centre_readers IS 'Which centres'' rows the members of a role see';
COMMENT ON COLUMN centre_readers.role_name IS 'A role, a login or a group; its members see what it sees';
COMMENT ON COLUMN centre_readers.centre IS 'Name of a centre; * is all, also recordings of no centre';
COMMENT ON COLUMN therapy_sessions.centre IS 'The centre by centre_places, set by the database; empty where no place has it';
COMMENT ON FUNCTION centre_of(text) IS 'The centre of a recording by its URI';
COMMENT ON FUNCTION readable_centres() IS 'The centres whose rows the current user sees, * for all';
