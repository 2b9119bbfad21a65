-- Why: the tables this system shares with the earlier one. On a fresh database they are made as the earlier system had
-- them (time series and all, which 022 removes); on an existing one only what is missing is added.

CREATE TABLE IF NOT EXISTS therapy_sessions (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE therapy_sessions
    ADD COLUMN IF NOT EXISTS session_code    varchar(63),
    ADD COLUMN IF NOT EXISTS file_path       text,
    ADD COLUMN IF NOT EXISTS object_version  text,
    ADD COLUMN IF NOT EXISTS file_size_bytes bigint,
    ADD COLUMN IF NOT EXISTS file_hash       varchar(64),
    ADD COLUMN IF NOT EXISTS subject         varchar(63),
    ADD COLUMN IF NOT EXISTS parameters      jsonb,
    ADD COLUMN IF NOT EXISTS game_metadata   jsonb;

CREATE UNIQUE INDEX IF NOT EXISTS therapy_sessions_session_code_key ON therapy_sessions (session_code);
CREATE INDEX IF NOT EXISTS therapy_sessions_file_hash ON therapy_sessions (file_hash);

CREATE TABLE IF NOT EXISTS analysis_results (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id  uuid,
    emg_signals jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE analysis_results
    ADD COLUMN IF NOT EXISTS file_hash  varchar(64),
    ADD COLUMN IF NOT EXISTS parameters jsonb NOT NULL DEFAULT '{}';

-- The same bytes in two sessions share one result: whoever stored it first may be erased without the other's result.
ALTER TABLE analysis_results
    ALTER COLUMN session_id DROP NOT NULL,
    DROP CONSTRAINT IF EXISTS analysis_results_session_id_fkey,
    ADD CONSTRAINT analysis_results_session_id_fkey
        FOREIGN KEY (session_id) REFERENCES therapy_sessions (id) ON DELETE SET NULL;

COMMENT ON TABLE therapy_sessions IS 'One row per recording: one version of one object in storage';
COMMENT ON COLUMN therapy_sessions.session_code IS 'Name of the EMGSession';
COMMENT ON COLUMN therapy_sessions.file_path IS 'URI of the recording';
COMMENT ON COLUMN therapy_sessions.object_version IS 'ETag, generation or version id of the object';
COMMENT ON COLUMN therapy_sessions.file_size_bytes IS 'Size of the object';
COMMENT ON COLUMN therapy_sessions.file_hash IS 'sha256 of the recording, hexadecimal; set once it has been analysed';
COMMENT ON COLUMN therapy_sessions.subject IS 'Pseudonymous code from the object key';
COMMENT ON COLUMN therapy_sessions.parameters IS 'Profile and options of the session: with file_hash they find its result';
COMMENT ON COLUMN therapy_sessions.game_metadata IS 'What the file''s header says, without personal data';
COMMENT ON TABLE analysis_results IS 'One row per recording''s bytes, processing version and parameters';
COMMENT ON COLUMN analysis_results.session_id IS 'The session that stored it; others may share it through file_hash and parameters';
COMMENT ON COLUMN analysis_results.file_hash IS 'sha256 of the recording, hexadecimal';
COMMENT ON COLUMN analysis_results.parameters IS 'Profile and options that, with the bytes, decide the result';
