-- Why: an adopted database kept the earlier system's own columns beside ours, with names and notes in them, and its
-- metadata of recordings beside our sessions. What is told there of people goes to the one table for it, the rest goes.
-- The notices say what; emg migrate prints them, a rehearsal too.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);
SELECT set_config('emg.reason', 'taking over the earlier system''s own columns', true);

ALTER TABLE session_personal_data ADD COLUMN earlier jsonb;

COMMENT ON COLUMN session_personal_data.earlier IS
    'What an earlier system told of the session in columns of its own, by table and column';

-- Time series are in the recordings; a text is kept however long.
CREATE FUNCTION pg_temp.worth_keeping(told jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(told)
    WHERE jsonb_typeof(value) <> 'null' AND (jsonb_typeof(value) = 'string' OR octet_length(value::text) <= 65536)
$$;

CREATE FUNCTION pg_temp.with_text(told jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, value)
    FROM jsonb_each(CASE jsonb_typeof(told) WHEN 'object' THEN told ELSE '{}' END)
    WHERE jsonb_path_exists(value, 'strict $.** ? (@.type() == "string")')
$$;

CREATE FUNCTION pg_temp.keep(session uuid, source text, told jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO session_personal_data AS known (session_id, player_name, therapist_id, group_id, earlier)
    SELECT session, told ->> 'player_name', told ->> 'therapist_id', told ->> 'group_id',
           jsonb_build_object(source, told - ARRAY['player_name', 'therapist_id', 'group_id'])
    WHERE told IS NOT NULL
    ON CONFLICT (session_id) DO UPDATE
    SET player_name = coalesce(known.player_name, excluded.player_name),
        therapist_id = coalesce(known.therapist_id, excluded.therapist_id),
        group_id = coalesce(known.group_id, excluded.group_id),
        -- Where two tables told different ones, both are kept.
        earlier = coalesce(known.earlier, '{}') || jsonb_build_object(source, told - ARRAY(
            SELECT name FROM jsonb_each_text(told) AS each (name, value)
            WHERE (name, value) IN (('player_name', coalesce(known.player_name, value)),
                                    ('therapist_id', coalesce(known.therapist_id, value)),
                                    ('group_id', coalesce(known.group_id, value)))))
$$;

CREATE FUNCTION pg_temp.tell(told text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE USING ERRCODE = 'EMG03', MESSAGE = told;
END
$$;

-- A column that is dropped stays on disk until its row is written anew.
CREATE FUNCTION pg_temp.drop_columns(known regclass, theirs text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s %s', known,
                   (SELECT string_agg(format('DROP COLUMN %I', name), ', ') FROM unnest(theirs) AS name));
    EXECUTE format('CLUSTER %s USING %I', known, (SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                                                  WHERE indrelid = known AND indisprimary));
    EXECUTE format('ALTER TABLE %s SET WITHOUT CLUSTER', known);
END
$$;

-- Columns from before ours were added; who added some later to a table of ours keeps them.
CREATE FUNCTION pg_temp.take_columns_of_sessions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    theirs text[] := ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = 'therapy_sessions'::regclass AND attnum > 0 AND NOT attisdropped
          AND attnum < (SELECT attnum FROM pg_attribute
                        WHERE attrelid = 'therapy_sessions'::regclass AND attname = 'object_version')
          AND attname NOT IN ('id', 'created_at', 'updated_at', 'session_code', 'file_path', 'file_size_bytes', 'file_hash',
                              'subject', 'parameters', 'game_metadata')
        ORDER BY attnum);
BEGIN
    IF theirs = '{}' THEN
        RETURN;
    END IF;
    PERFORM pg_temp.keep(id, 'therapy_sessions', pg_temp.worth_keeping(
                (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(session)) WHERE key = ANY (theirs))))
    FROM therapy_sessions AS session;
    PERFORM pg_temp.drop_columns('therapy_sessions', theirs);
    PERFORM pg_temp.tell(format('moved to session_personal_data: therapy_sessions (%s)', array_to_string(theirs, ', ')));
END
$$;

CREATE FUNCTION pg_temp.take_metadata() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    without_session bigint;
BEGIN
    -- A table of that name may be another program's: only what was adopted goes.
    IF to_regclass('c3d_metadata') IS NULL OR NOT EXISTS (SELECT FROM adoptions) THEN
        RETURN;
    END IF;
    SELECT count(*) INTO without_session FROM c3d_metadata AS metadata
    WHERE NOT EXISTS (SELECT FROM therapy_sessions AS session WHERE session.id = metadata.id);
    IF without_session > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE = format(
            'c3d_metadata has %s rows that no session was made of: move them elsewhere, then migrate again',
            without_session);
    END IF;
    PERFORM pg_temp.keep(session.id, 'c3d_metadata', pg_temp.worth_keeping(
                to_jsonb(metadata) - ARRAY['id', 'file_path', 'file_hash', 'file_size_bytes', 'game_metadata', 'created_at',
                                           'updated_at']))
    FROM c3d_metadata AS metadata JOIN therapy_sessions AS session ON session.id = metadata.id;
    BEGIN
        DROP TABLE c3d_metadata;
        PERFORM pg_temp.tell('moved to session_personal_data: c3d_metadata');
    EXCEPTION WHEN dependent_objects_still_exist THEN
        PERFORM pg_temp.drop_columns('c3d_metadata', ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = 'c3d_metadata'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'id'));
        PERFORM pg_temp.tell('moved to session_personal_data: c3d_metadata, of which only ids stay, as other tables need'
                             ' them');
    END;
END
$$;

-- Sessions without a name were adopted. Of what a game tells, these words are none of a person's.
CREATE FUNCTION pg_temp.take_words_of_games() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.keep(id, 'game_metadata', words)
    FROM (SELECT id, pg_temp.with_text(game_metadata - ARRAY['system', 'event', 'game_name', 'level', 'level_name', 'version',
                                                             'time', 'data_type_labels', 'channel_names']) AS words
          FROM therapy_sessions
          WHERE session_code IS NULL AND jsonb_typeof(game_metadata) = 'object') AS session
    WHERE words IS NOT NULL;
    UPDATE therapy_sessions AS session
    SET game_metadata = game_metadata - ARRAY(SELECT jsonb_object_keys(personal.earlier -> 'game_metadata'))
    FROM session_personal_data AS personal
    WHERE personal.session_id = session.id AND personal.earlier ? 'game_metadata' AND session_code IS NULL;
END
$$;

-- Options in words may be anybody's note. Results that differed in them only are numbered apart by their version.
CREATE FUNCTION pg_temp.take_words_of_options() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE worded ON COMMIT DROP AS
    SELECT id, session_id, file_hash, words,
           jsonb_set(parameters, '{options}', (parameters -> 'options') - ARRAY(SELECT jsonb_object_keys(words)))
               AS parameters
    FROM (SELECT *, pg_temp.with_text(parameters -> 'options') AS words
          FROM analysis_results WHERE NOT optimization_applied) AS stored
    WHERE words IS NOT NULL;
    PERFORM pg_temp.keep(session_id, 'processing_params', jsonb_object_agg(id, words))
    FROM worded WHERE session_id IS NOT NULL GROUP BY session_id;
    UPDATE analysis_results AS stored
    SET parameters = worded.parameters, processing_version = '1.0-' || (
            SELECT count(*) FROM analysis_results AS other
            WHERE other.file_hash = worded.file_hash AND NOT other.optimization_applied) + numbered.place,
        analytics_summary = jsonb_set(analytics_summary, '{profile,options}', worded.parameters -> 'options')
    FROM worded JOIN (SELECT id, row_number() OVER (PARTITION BY file_hash ORDER BY id) AS place FROM worded) AS numbered
      USING (id)
    WHERE worded.id = stored.id;
    UPDATE therapy_sessions AS session
    SET parameters = jsonb_set(parameters, '{options}', (parameters -> 'options')
                               - ARRAY(SELECT jsonb_object_keys(pg_temp.with_text(parameters -> 'options'))))
    WHERE parameters ->> 'profile' = 'earlier' AND pg_temp.with_text(parameters -> 'options') IS NOT NULL;
END
$$;

DO $$
BEGIN
    PERFORM pg_temp.take_columns_of_sessions();
    PERFORM pg_temp.take_metadata();
    PERFORM pg_temp.take_words_of_games();
    PERFORM pg_temp.take_words_of_options();
EXCEPTION
    WHEN dependent_objects_still_exist THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE =
            'views, keys or policies of others depend on the earlier system''s therapy_sessions or c3d_metadata: drop them,'
            ' then migrate again';
END
$$;

DROP FUNCTION pg_temp.take_words_of_options(), pg_temp.take_words_of_games(), pg_temp.take_metadata(),
    pg_temp.take_columns_of_sessions(), pg_temp.drop_columns(regclass, text[]), pg_temp.tell(text),
    pg_temp.keep(uuid, text, jsonb), pg_temp.with_text(jsonb), pg_temp.worth_keeping(jsonb);
SELECT set_config('emg.reason', '', true);
