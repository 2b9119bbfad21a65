-- Why: the newest session of every subject is asked for often, and without going through all sessions: from subject to
-- subject along the index, with one look for each.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE VIEW latest_sessions WITH (security_invoker = true) AS
WITH RECURSIVE subjects AS (
    (SELECT subject FROM therapy_sessions WHERE subject IS NOT NULL ORDER BY subject LIMIT 1)
    UNION ALL
    SELECT (SELECT session.subject FROM therapy_sessions AS session WHERE session.subject > known.subject
            ORDER BY session.subject LIMIT 1)
    FROM subjects AS known
    WHERE known.subject IS NOT NULL
)
SELECT latest.subject, latest.session_id, latest.session_code, latest.received_at
FROM subjects
CROSS JOIN LATERAL (
    SELECT subject, id AS session_id, session_code, created_at AS received_at
    FROM therapy_sessions
    WHERE therapy_sessions.subject = subjects.subject
    ORDER BY created_at DESC, session_code DESC
    LIMIT 1) AS latest;

COMMENT ON VIEW latest_sessions IS 'The newest session of every subject, one row each';
COMMENT ON COLUMN latest_sessions.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN latest_sessions.session_id IS 'therapy_sessions.id';
COMMENT ON COLUMN latest_sessions.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN latest_sessions.received_at IS 'When it was first heard of';
