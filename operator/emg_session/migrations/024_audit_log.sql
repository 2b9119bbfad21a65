-- Why: who reads signals and summaries of people must be told afterwards. Lines are only ever added: no role changes or
-- removes one, the owner and superusers included, short of dropping the triggers, which its own log would show.

CREATE TABLE audit_log (
    id           uuid PRIMARY KEY,
    at           timestamptz NOT NULL,
    caller       text NOT NULL CHECK (length(caller) <= 100),
    operation    text NOT NULL CHECK (length(operation) <= 100),
    session_code text CHECK (length(session_code) <= 63),
    asked        jsonb NOT NULL,
    status       smallint NOT NULL,
    reason       text CHECK (length(reason) <= 200),
    request_id   text CHECK (length(request_id) <= 100),
    stored_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX audit_log_session ON audit_log (session_code, at);
CREATE INDEX audit_log_caller ON audit_log (caller, at);

REVOKE ALL ON audit_log FROM PUBLIC;

CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_log_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log();

-- ALWAYS: also where session_replication_role would leave triggers out.
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_is_append_only;

COMMENT ON TABLE audit_log IS 'Every read of signals, summaries and lists of sessions, refused ones too; append-only';
COMMENT ON COLUMN audit_log.id IS 'Made by the program, so that storing a line twice is one line';
COMMENT ON COLUMN audit_log.at IS 'When the answer was given';
COMMENT ON COLUMN audit_log.caller IS
    'A pseudonym: the first 32 hexadecimal digits of sha256(issuer || newline || subject of the token)';
COMMENT ON COLUMN audit_log.operation IS 'The operationId in /openapi.json';
COMMENT ON COLUMN audit_log.session_code IS 'The session, null for lists and for what does not exist';
COMMENT ON COLUMN audit_log.asked IS 'What of it: channel, window, filters';
COMMENT ON COLUMN audit_log.status IS 'The HTTP status of the answer';
COMMENT ON COLUMN audit_log.reason IS 'Why, in the caller''s words (header Emg-Reason)';
COMMENT ON COLUMN audit_log.request_id IS 'The X-Request-Id of the answer, as in the log';
COMMENT ON COLUMN audit_log.stored_at IS 'When the line was stored, later than `at` where the database was away';
