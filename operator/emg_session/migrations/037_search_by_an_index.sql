-- Why: a word that is looked for in a session's code, subject and file name was compared with every session. Pieces of two
-- and three letters are indexed now, by PostgreSQL's own means: pg_trgm is not on every server, and few may add it.
-- Whom rows are hidden from, from them also conditions that might tell of rows are kept from the index; so the search is
-- a function with the owner's rights, which shows a login no more than its centres.
-- And the newest session of each subject takes one look along the index, not two.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE FUNCTION searched_text(session_code text, subject text, file_path text) RETURNS text LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT lower(coalesce(session_code, '') || ' ' || coalesce(subject, '') || ' '
                 || regexp_replace(coalesce(file_path, ''), '^.*/', ''));
END;

CREATE FUNCTION pieces_of(told text, size integer) RETURNS text[] LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT ARRAY(SELECT substr(told, place, size) FROM generate_series(1, length(told) + 1 - size) AS place);
END;

CREATE INDEX therapy_sessions_search ON therapy_sessions USING gin (
    (pieces_of(searched_text(session_code, subject, file_path), 2)
     || pieces_of(searched_text(session_code, subject, file_path), 3))) WITH (fastupdate = off);

-- As readable_centres() for whoever is logged in, also where a function has taken its owner's place.
CREATE FUNCTION centres_of_login() RETURNS text[] LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(read.centre), '{}')
    FROM (SELECT reader.centre::text
          FROM centre_readers AS reader
          JOIN pg_roles AS role ON role.rolname = reader.role_name
          WHERE pg_has_role(session_user, role.oid, 'USAGE')
          UNION ALL
          SELECT '*'
          FROM pg_class AS known
          JOIN pg_roles AS login ON login.rolname = session_user
          WHERE known.oid = 'therapy_sessions'::regclass
            AND (login.rolbypassrls OR pg_has_role(session_user, known.relowner, 'USAGE'))) AS read (centre);
END;

CREATE FUNCTION sessions_found(term text, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET enable_seqscan = off
BEGIN ATOMIC
    SELECT session.id
    FROM therapy_sessions AS session
    WHERE pieces_of(searched_text(session.session_code, session.subject, session.file_path), 2)
          || pieces_of(searched_text(session.session_code, session.subject, session.file_path), 3)
          @> pieces_of(lower(term), least(length(term), 3))
      AND position(lower(term) IN searched_text(session.session_code, session.subject, session.file_path)) > 0
      AND ((SELECT '*' = ANY (centres_of_login())) OR session.centre = ANY ((SELECT centres_of_login())::text[]))
    LIMIT most;
END;

CREATE OR REPLACE VIEW latest_sessions WITH (security_invoker = true) AS
WITH RECURSIVE latest AS (
    (SELECT subject, id AS session_id, session_code, created_at AS received_at
     FROM therapy_sessions
     WHERE subject IS NOT NULL
     ORDER BY subject, created_at DESC, session_code DESC
     LIMIT 1)
    UNION ALL
    SELECT next.*
    FROM latest
    CROSS JOIN LATERAL (
        SELECT session.subject, session.id, session.session_code, session.created_at
        FROM therapy_sessions AS session
        WHERE session.subject > latest.subject
        ORDER BY session.subject, session.created_at DESC, session.session_code DESC
        LIMIT 1) AS next
)
SELECT subject, session_id, session_code, received_at FROM latest;

REVOKE EXECUTE ON FUNCTION sessions_found(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sessions_found(text, integer) TO emg_api, emg_operator, emg_admin;
GRANT SELECT ON latest_sessions TO emg_api, emg_operator, emg_admin;

COMMENT ON FUNCTION searched_text(text, text, text) IS 'Where words are looked for: code, subject and file name, in small letters';
COMMENT ON FUNCTION pieces_of(text, integer) IS 'All pieces of a text of so many letters';
COMMENT ON FUNCTION centres_of_login() IS 'The centres whose rows the login sees, * for all';
COMMENT ON FUNCTION sessions_found(text, integer) IS
    'Sessions with a word of two letters or more in code, subject or file name, at most so many; of the login''s centres';
