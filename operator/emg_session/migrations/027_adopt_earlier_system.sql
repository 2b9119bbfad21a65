-- Why: what the earlier system computed is kept, in our words and units, and its time series go: they are in the
-- recordings. Where there was no earlier system (adoption/set_aside.sql found no table of it) only the functions change.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE adoptions (
    adopted_at         timestamptz PRIMARY KEY DEFAULT now(),
    results            bigint NOT NULL,
    disk_bytes_before  bigint NOT NULL,
    signal_bytes       bigint NOT NULL
);

COMMENT ON TABLE adoptions IS 'What was taken over from the earlier system; a row if there was one';
COMMENT ON COLUMN adoptions.adopted_at IS 'When';
COMMENT ON COLUMN adoptions.results IS 'How many results';
COMMENT ON COLUMN adoptions.disk_bytes_before IS 'What its table of results took on disk, with indexes, bytes';
COMMENT ON COLUMN adoptions.signal_bytes IS 'What its time series took of that as the server had packed them, bytes';

-- Numbers and words stay; lists longer than contractions or windows can be are time series.
CREATE FUNCTION without_time_series(told jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(told)
        WHEN 'object' THEN
            (SELECT coalesce(jsonb_object_agg(key, without_time_series(value)), '{}') FROM jsonb_each(told))
        WHEN 'array' THEN
            CASE WHEN jsonb_array_length(told) <= 4096 THEN
                (SELECT coalesce(jsonb_agg(without_time_series(value)), '[]') FROM jsonb_array_elements(told)) END
        ELSE told
    END;
END
$$;

-- Text of columns that nobody here knows may be about a person.
CREATE FUNCTION without_text(told jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(told)
        WHEN 'object' THEN
            (SELECT coalesce(jsonb_object_agg(key, without_text(value)), '{}') FROM jsonb_each(told)
             WHERE jsonb_typeof(value) <> 'string')
        WHEN 'array' THEN
            (SELECT coalesce(jsonb_agg(without_text(value)), '[]') FROM jsonb_array_elements(told) AS each (value)
             WHERE jsonb_typeof(value) <> 'string')
        ELSE told
    END;
END
$$;

CREATE FUNCTION number_in(told jsonb, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(told -> name) WHEN 'number' THEN told -> name END
$$;

CREATE FUNCTION whole_number_in(told jsonb, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(told -> name) WHEN 'number' THEN to_jsonb(round((told ->> name)::numeric)) END
$$;

CREATE FUNCTION object_in(told jsonb, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(told -> name) WHEN 'object' THEN told -> name ELSE '{}' END
$$;

-- What we have no word for, as it was: {"earlier": {…}}, or nothing if all of it was taken over.
CREATE FUNCTION rest_of(told jsonb, taken text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN count(*) > 0 THEN
               jsonb_build_object('earlier', without_time_series(jsonb_object_agg(key, value))) ELSE '{}' END
    FROM jsonb_each(CASE jsonb_typeof(told) WHEN 'object' THEN told ELSE '{}' END)
    WHERE jsonb_typeof(value) <> 'null'
      AND NOT (key = ANY (taken) AND (jsonb_typeof(value) IN ('number', 'boolean')))
$$;

CREATE FUNCTION earlier_windows(told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(told) WHEN 'object' THEN jsonb_build_object(
               'mean', number_in(told, 'mean_value'), 'std', number_in(told, 'std_value'),
               'min', number_in(told, 'min_value'), 'max', number_in(told, 'max_value'),
               'n', whole_number_in(told, 'valid_windows'), 'cv', number_in(told, 'coefficient_of_variation'))
           || rest_of(told, ARRAY['mean_value', 'std_value', 'min_value', 'max_value', 'valid_windows',
                                  'coefficient_of_variation']) END
$$;

CREATE FUNCTION earlier_contraction(told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
               'start_sample', whole_number_in(told, 'start_idx'), 'end_sample', whole_number_in(told, 'end_idx'),
               'start_ms', number_in(told, 'start_time_ms'), 'end_ms', number_in(told, 'end_time_ms'),
               'duration_ms', number_in(told, 'duration_ms'),
               'mean_amplitude_volts', number_in(told, 'mean_amplitude'),
               'max_amplitude_volts', number_in(told, 'max_amplitude'),
               'meets_mvc', told -> 'meets_mvc', 'meets_duration', told -> 'meets_duration', 'is_good', told -> 'is_good')
           || rest_of(told, ARRAY['start_idx', 'end_idx', 'start_time_ms', 'end_time_ms', 'duration_ms', 'mean_amplitude',
                                  'max_amplitude', 'meets_mvc', 'meets_duration', 'is_good'])
$$;

CREATE FUNCTION earlier_contractions(told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(earlier_contraction(each) ORDER BY number), '[]')
    FROM jsonb_array_elements(CASE jsonb_typeof(told) WHEN 'array' THEN told ELSE '[]' END)
         WITH ORDINALITY AS listed (each, number)
$$;

-- A channel's analytics as one of our muscles.
CREATE FUNCTION earlier_muscle(name text, told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
               'name', name,
               'amplitude', jsonb_build_object('rms_volts', number_in(told, 'rms'), 'mav_volts', number_in(told, 'mav')),
               'spectrum', jsonb_build_object('mpf_hz', number_in(told, 'mpf'), 'mdf_hz', number_in(told, 'mdf'),
                                              'fi_nsm5', number_in(told, 'fatigue_index_fi_nsm5')),
               'windows', jsonb_strip_nulls(jsonb_build_object(
                   'rms_volts', earlier_windows(told -> 'rms_temporal_stats'),
                   'mav_volts', earlier_windows(told -> 'mav_temporal_stats'),
                   'mpf_hz', earlier_windows(told -> 'mpf_temporal_stats'),
                   'mdf_hz', earlier_windows(told -> 'mdf_temporal_stats'),
                   'fi_nsm5', earlier_windows(told -> 'fatigue_index_temporal_stats'))),
               'reference', jsonb_build_object('threshold_volts', number_in(told, 'mvc_threshold_actual_value')),
               'contractions', earlier_contractions(told -> 'contractions'),
               'contraction_summary', jsonb_build_object(
                   'count', whole_number_in(told, 'contraction_count'),
                   'good', whole_number_in(told, 'good_contraction_count'),
                   'meets_mvc', whole_number_in(told, 'mvc_compliant_count'),
                   'meets_duration', whole_number_in(told, 'duration_compliant_count'),
                   'mean_duration_ms', number_in(told, 'avg_duration_ms'),
                   'min_duration_ms', number_in(told, 'min_duration_ms'),
                   'max_duration_ms', number_in(told, 'max_duration_ms'),
                   'total_duration_ms', number_in(told, 'total_time_under_tension_ms'),
                   'mean_amplitude_volts', number_in(told, 'avg_amplitude'),
                   'max_amplitude_volts', number_in(told, 'max_amplitude')))
           || rest_of(told - ARRAY['contractions', 'rms_temporal_stats', 'mav_temporal_stats', 'mpf_temporal_stats',
                                   'mdf_temporal_stats', 'fatigue_index_temporal_stats'],
                      ARRAY['rms', 'mav', 'mpf', 'mdf', 'fatigue_index_fi_nsm5', 'mvc_threshold_actual_value',
                            'contraction_count', 'good_contraction_count', 'mvc_compliant_count',
                            'duration_compliant_count', 'avg_duration_ms', 'min_duration_ms', 'max_duration_ms',
                            'total_time_under_tension_ms', 'avg_amplitude', 'max_amplitude'])
$$;

CREATE FUNCTION earlier_scores(told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
               'overall', number_in(told, 'overall_score'), 'compliance', number_in(told, 'compliance_score'),
               'symmetry', number_in(told, 'symmetry_score'), 'effort', number_in(told, 'effort_score'),
               'game', number_in(told, 'game_score'),
               'bfr', jsonb_build_object('compliant', CASE jsonb_typeof(told -> 'bfr_compliant')
                                                          WHEN 'boolean' THEN told -> 'bfr_compliant' END))
           || rest_of(told, ARRAY['overall_score', 'compliance_score', 'symmetry_score', 'effort_score', 'game_score',
                                  'bfr_compliant'])
$$;

-- The one thing that only the time series told rightly: how many samples there were, and how many a second.
CREATE FUNCTION earlier_recording(file_hash text, signals jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('sha256', file_hash,
                              'channels', coalesce(jsonb_agg(jsonb_build_object('name', key) ORDER BY key), '[]'),
                              'samples_per_channel', max(samples), 'sample_rate_hz', max(rate),
                              'duration_s', max(samples) / max(rate))
    FROM (
        SELECT key,
               CASE WHEN jsonb_typeof(value -> 'data') = 'array' THEN jsonb_array_length(value -> 'data')
                    WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) END AS samples,
               CASE WHEN jsonb_typeof(value -> 'sampling_rate') = 'number'
                    THEN nullif((value ->> 'sampling_rate')::double precision, 0) END AS rate
        FROM jsonb_each(CASE jsonb_typeof(signals) WHEN 'object' THEN signals ELSE '{}' END)) AS channel
$$;

-- `told` is the row without its time series. Columns that only repeat what the analytics say are left out.
CREATE FUNCTION earlier_document(told jsonb, recording jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
               'schema', 'emg-earlier/1',
               'recording', recording,
               'profile', jsonb_build_object('name', 'earlier', 'options', coalesce(told -> 'processing_params', '{}')),
               'muscles', (SELECT coalesce(jsonb_agg(earlier_muscle(key, value) ORDER BY key), '[]')
                           FROM jsonb_each(object_in(told, 'analytics_data')) WHERE jsonb_typeof(value) = 'object'),
               'channels', '[]'::jsonb, 'faults', '[]'::jsonb,
               'scores', earlier_scores(object_in(told, 'compliance_scores')),
               'provenance', jsonb_build_object('sha256', recording -> 'sha256', 'profile', 'earlier',
                                                'core_version', 'earlier ' || (told ->> 'processing_version')))
           || rest_of(without_text(told)
                      - ARRAY['id', 'session_id', 'c3d_metadata_id', 'file_hash', 'processing_version',
                              'processing_params', 'analytics_data', 'compliance_scores', 'created_at', 'updated_at',
                              'expires_at', 'last_accessed_at', 'cache_hits', 'optimization_applied', 'parameters',
                              'analytics_summary']
                      - CASE WHEN told -> 'analytics_data' @> (told -> 'temporal_stats') THEN 'temporal_stats' ELSE '' END
                      - CASE WHEN told -> 'analytics_data' @> (
                                 SELECT jsonb_object_agg(key, jsonb_build_object('contractions', value))
                                 FROM jsonb_each(object_in(told, 'contractions_data')))
                             THEN 'contractions_data' ELSE '' END,
                      '{}')
           || CASE WHEN object_in(told, 'analytics_data') <> '{}' THEN '{}'
                   ELSE rest_of(jsonb_build_object('analytics_data', told -> 'analytics_data'), '{}') END
$$;

-- A patient's name or number is no pseudonym.
CREATE FUNCTION pseudonym_in(told text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN told ~ '^[A-Z]{1,4}[0-9]{1,6}$' THEN told END
$$;

CREATE FUNCTION adopt_sessions() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('c3d_metadata') IS NOT NULL THEN
        INSERT INTO therapy_sessions
            (id, file_path, file_size_bytes, file_hash, subject, game_metadata, created_at, updated_at)
        SELECT id, told ->> 'file_path', (told ->> 'file_size_bytes')::bigint, told ->> 'file_hash',
               pseudonym_in(coalesce(told ->> 'resolved_patient_id', told ->> 'patient_id')),
               object_in(told, 'game_metadata'),
               coalesce((told ->> 'upload_date')::timestamptz, (told ->> 'created_at')::timestamptz, now()),
               coalesce((told ->> 'updated_at')::timestamptz, now())
        FROM (SELECT id, to_jsonb(metadata) AS told FROM c3d_metadata AS metadata) AS known
        ON CONFLICT (id) DO NOTHING;
        INSERT INTO session_personal_data (session_id, therapist_id)
        SELECT id, coalesce(told ->> 'resolved_therapist_id', told ->> 'therapist_id')
        FROM (SELECT id, to_jsonb(metadata) AS told FROM c3d_metadata AS metadata) AS known
        ON CONFLICT (session_id) DO NOTHING;
    END IF;
    UPDATE therapy_sessions AS session
    SET subject = pseudonym_in(to_jsonb(session) ->> 'patient_id')
    WHERE subject IS NULL;
    -- Names and free text have their own table.
    INSERT INTO session_personal_data AS known (session_id, player_name, therapist_id, group_id, marker_set)
    SELECT id, game_metadata ->> 'player_name', game_metadata ->> 'therapist_id', game_metadata ->> 'group_id',
           game_metadata ->> 'marker_set'
    FROM therapy_sessions
    WHERE jsonb_typeof(game_metadata) = 'object'
    ON CONFLICT (session_id) DO UPDATE
    SET player_name = coalesce(known.player_name, excluded.player_name),
        therapist_id = coalesce(known.therapist_id, excluded.therapist_id),
        group_id = coalesce(known.group_id, excluded.group_id),
        marker_set = coalesce(known.marker_set, excluded.marker_set);
    UPDATE therapy_sessions
    SET game_metadata = game_metadata - ARRAY['player_name', 'therapist_id', 'group_id', 'marker_set']
    WHERE jsonb_typeof(game_metadata) = 'object';
END
$$;

CREATE FUNCTION adopt_results() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO adoptions (results, disk_bytes_before, signal_bytes)
    SELECT count(*), pg_total_relation_size('earlier_results'), coalesce(sum(pg_column_size(emg_signals)), 0)
    FROM earlier_results;

    CREATE TEMP TABLE earlier_recordings ON COMMIT DROP AS
    SELECT id, earlier_recording(file_hash, emg_signals) AS recording FROM earlier_results;
    ALTER TABLE earlier_results DROP COLUMN emg_signals;

    -- Only the newest of equal ones is '1.0', for the key.
    INSERT INTO analysis_results (id, session_id, file_hash, parameters, analytics_summary, processing_version,
                                  optimization_applied, created_at, updated_at)
    SELECT stored.id, session.id, stored.file_hash, asked.parameters,
           earlier_document(to_jsonb(stored), earlier_recordings.recording),
           CASE asked.place WHEN 1 THEN '1.0' ELSE '1.0-' || asked.place END, false, coalesce(stored.created_at, now()),
           coalesce(stored.updated_at, stored.created_at, now())
    FROM earlier_results AS stored
    JOIN earlier_recordings ON earlier_recordings.id = stored.id
    LEFT JOIN therapy_sessions AS session ON session.id = coalesce(stored.session_id, stored.c3d_metadata_id)
    JOIN (
        SELECT id, row_number() OVER (PARTITION BY file_hash, coalesce(processing_params, '{}')
                                      ORDER BY created_at DESC NULLS LAST, id) AS place,
               jsonb_build_object('profile', 'earlier', 'options', coalesce(processing_params, '{}')) AS parameters
        FROM earlier_results) AS asked
      ON asked.id = stored.id;

    -- A session shows the newest of its results.
    UPDATE therapy_sessions AS session
    SET file_hash = stored.file_hash, parameters = stored.parameters
    FROM (SELECT DISTINCT ON (session_id) session_id, file_hash, parameters
          FROM analysis_results
          WHERE processing_version LIKE '1.0%'
          ORDER BY session_id, updated_at DESC, processing_version) AS stored
    WHERE stored.session_id = session.id;
END
$$;

DO $$
BEGIN
    IF to_regclass('earlier_results') IS NULL THEN
        RETURN;
    END IF;
    PERFORM adopt_sessions();
    PERFORM adopt_results();
    DROP TABLE earlier_results;
EXCEPTION
    WHEN dependent_objects_still_exist THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE =
            'views or keys of others depend on the earlier system''s analysis_results: drop them, then migrate again';
END
$$;

DROP FUNCTION adopt_results(), adopt_sessions(), earlier_document(jsonb, jsonb), earlier_recording(text, jsonb),
    earlier_scores(jsonb), earlier_muscle(text, jsonb), earlier_contractions(jsonb), earlier_contraction(jsonb),
    earlier_windows(jsonb), rest_of(jsonb, text[]), object_in(jsonb, text), whole_number_in(jsonb, text),
    number_in(jsonb, text), without_time_series(jsonb), without_text(jsonb), pseudonym_in(text);

-- Three ways to look at it: the documents as text beside the time series they stand for (about 430 bytes of JSON per
-- sample instant in the earlier system); what was adopted as the server packs it, before and after; and the whole table
-- on disk with its indexes and half-empty pages, before the adoption and now.
DROP FUNCTION calculate_storage_reduction();
CREATE FUNCTION calculate_storage_reduction()
RETURNS TABLE (results bigint, summary_bytes bigint, time_series_bytes bigint, reduction_percent numeric,
               packed_bytes_before bigint, packed_bytes_after bigint, packed_reduction_percent numeric,
               disk_bytes_before bigint, disk_bytes_after bigint, disk_reduction_percent numeric)
LANGUAGE sql STABLE AS $$
    SELECT document.results, document.summary_bytes, document.time_series_bytes,
           round(100 * (1 - document.summary_bytes::numeric / nullif(document.time_series_bytes, 0)), 3),
           adopted.signal_bytes, document.adopted_bytes,
           round(100 * (1 - document.adopted_bytes::numeric / nullif(adopted.signal_bytes, 0)), 3),
           adopted.disk_bytes, disk.bytes, round(100 * (1 - disk.bytes::numeric / nullif(adopted.disk_bytes, 0)), 3)
    FROM (
        SELECT count(*) AS results,
               coalesce(sum(octet_length(analytics_summary::text)), 0)::bigint AS summary_bytes,
               coalesce(sum((analytics_summary #>> '{recording,samples_per_channel}')::bigint * 430), 0)::bigint
                   AS time_series_bytes,
               sum(pg_column_size(analytics_summary)) FILTER (WHERE NOT optimization_applied)::bigint AS adopted_bytes
        FROM analysis_results
        WHERE analytics_summary IS NOT NULL) AS document
    CROSS JOIN (
        SELECT sum(signal_bytes)::bigint AS signal_bytes, sum(disk_bytes_before)::bigint AS disk_bytes
        FROM adoptions) AS adopted
    CROSS JOIN (SELECT pg_total_relation_size('analysis_results') AS bytes) AS disk
$$;

COMMENT ON FUNCTION calculate_storage_reduction() IS
    'Bytes before and after time series went: as text, as packed by the server, on disk; the last two if there were any';
