-- Why: names and free text from recordings are kept apart from everything else, so that they can have their own grants
-- and be erased without touching a result. No view, summary, log or Kubernetes object holds them.

CREATE TABLE session_personal_data (
    session_id   uuid PRIMARY KEY REFERENCES therapy_sessions (id) ON DELETE CASCADE,
    player_name  text,
    therapist_id text,
    group_id     text,
    marker_set   text,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

REVOKE ALL ON session_personal_data FROM PUBLIC;

COMMENT ON TABLE session_personal_data IS 'The only place with personal data; grant it to nobody by default';
COMMENT ON COLUMN session_personal_data.player_name IS 'SUBJECTS:PLAYER_NAME of the recording';
COMMENT ON COLUMN session_personal_data.therapist_id IS 'INFO:THERAPIST_ID of the recording';
COMMENT ON COLUMN session_personal_data.group_id IS 'INFO:GROUP_ID of the recording';
COMMENT ON COLUMN session_personal_data.marker_set IS 'SUBJECTS:MARKER_SET of the recording, free text';
