-- Why: people who write SQL join tables, not documents. Every stored summary is spread over these tables in the
-- transaction that stores it, by the one function below, which also fills them for what is stored already. The document
-- stays the truth: the tables can be made from it again at any time.
--
-- All hang on one row of `provenance`, which is made anew whenever its document changes; its number is a quarter of the
-- document's id, and there are fifty rows and fifty entries of an index for each session.
--
-- A muscle or channel is named by its recording, where two may have one name; its number, from 1 in the recording's
-- order, is the key.

-- The functions below keep this path: whoever calls them can't put tables of their own before ours.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE recordings (
    file_hash           varchar(64) PRIMARY KEY,
    size_bytes          bigint,
    byte_order          text,
    storage             text,
    frames              bigint,
    samples_per_channel bigint,
    sample_rate_hz      double precision,
    point_rate_hz       double precision,
    duration_s          double precision,
    recorded_at         timestamp,
    game_level          double precision,
    game_score          double precision,
    game_duration_s     double precision
);

CREATE TABLE provenance (
    result         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    result_id      uuid NOT NULL UNIQUE REFERENCES analysis_results (id) ON DELETE CASCADE,
    profile        text,
    profile_digest text,
    core_version   text
);
CREATE INDEX provenance_profile ON provenance (profile, profile_digest, core_version);

CREATE TABLE scores (
    result                       integer PRIMARY KEY REFERENCES provenance ON DELETE CASCADE,
    overall                      double precision,
    compliance                   double precision,
    symmetry                     double precision,
    effort                       double precision,
    game                         double precision,
    bfr_compliant                boolean,
    cuff_pressure_permille_aop   double precision
);

CREATE TABLE channels (
    result           integer NOT NULL REFERENCES provenance ON DELETE CASCADE,
    channel_number   smallint NOT NULL,
    channel          text NOT NULL,
    unit             text,
    role             text,
    verdict          text,
    reasons          text[],
    usable_s         double precision,
    usable_fraction  double precision,
    dc_offset_volts  double precision,
    mains_ratio      double precision,
    minimum_volts    double precision,
    maximum_volts    double precision,
    PRIMARY KEY (result, channel_number)
);

CREATE TABLE muscles (
    result                      integer NOT NULL REFERENCES provenance ON DELETE CASCADE,
    muscle_number               smallint NOT NULL,
    muscle                      text NOT NULL,
    raw_channel                 text,
    timing_channel              text,
    timing_lag_ms               double precision,
    skipped                     text,
    excluded_samples            bigint,
    rms_volts                   double precision,
    mav_volts                   double precision,
    iemg_volt_seconds           double precision,
    mpf_hz                      double precision,
    mdf_hz                      double precision,
    fi_nsm5                     double precision,
    reference_method            text,
    reference_volts             double precision,
    threshold_volts             double precision,
    detection_threshold_volts   double precision,
    contractions                integer,
    good_contractions           integer,
    contractions_meeting_mvc    integer,
    contractions_long_enough    integer,
    mean_duration_ms            double precision,
    min_duration_ms             double precision,
    max_duration_ms             double precision,
    total_duration_ms           double precision,
    mean_amplitude_volts        double precision,
    max_amplitude_volts         double precision,
    mdf_slope_hz_per_minute     double precision,
    mdf_slope_low_hz_per_minute double precision,
    mdf_slope_high_hz_per_minute double precision,
    mdf_change_percent          double precision,
    compliance                  double precision,
    completion                  double precision,
    intensity                   double precision,
    duration                    double precision,
    PRIMARY KEY (result, muscle_number)
);

CREATE TABLE contractions (
    result               integer NOT NULL REFERENCES provenance ON DELETE CASCADE,
    muscle_number        smallint NOT NULL,
    contraction          smallint NOT NULL,
    start_sample         integer,
    end_sample           integer,
    start_ms             double precision,
    end_ms               double precision,
    duration_ms          double precision,
    mean_amplitude_volts double precision,
    max_amplitude_volts  double precision,
    rms_volts            double precision,
    iemg_volt_seconds    double precision,
    time_to_peak_ms      double precision,
    mpf_hz               double precision,
    mdf_hz               double precision,
    meets_mvc            boolean,
    meets_duration       boolean,
    is_good              boolean,
    long                 boolean,
    merged               smallint,
    faults               smallint,
    PRIMARY KEY (result, muscle_number, contraction)
);

CREATE TABLE faults (
    result       integer NOT NULL REFERENCES provenance ON DELETE CASCADE,
    fault        smallint NOT NULL,
    channel      text,
    kind         text,
    start_sample integer,
    end_sample   integer,
    start_s      double precision,
    end_s        double precision,
    PRIMARY KEY (result, fault)
);

-- A header may tell a day that no calendar has.
CREATE FUNCTION timestamp_or_null(told text) RETURNS timestamp
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN told::timestamp;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

-- A muscle that was skipped tells null for what others tell.
CREATE FUNCTION part_of(muscle jsonb, part text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(muscle -> part) WHEN 'object' THEN muscle -> part ELSE '{}' END
$$;

CREATE FUNCTION fill_tables_for_people(stored analysis_results) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    summary   jsonb := stored.analytics_summary;
    recording jsonb := summary -> 'recording';
    made      integer;
BEGIN
    DELETE FROM provenance WHERE result_id = stored.id;  -- and with it what hangs on it
    IF coalesce(summary ->> 'schema', '') NOT IN ('emg-summary/1', 'emg-earlier/1') OR stored.file_hash IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO recordings
    SELECT stored.file_hash, told.size_bytes, told.byte_order, told.storage, told.frames, told.samples_per_channel,
           told.sample_rate_hz, told.point_rate_hz, told.duration_s, timestamp_or_null(told.game ->> 'recorded_at'),
           (told.game ->> 'game_level')::double precision, (told.game ->> 'score')::double precision,
           (told.game ->> 'duration_s')::double precision
    FROM jsonb_to_record(recording) AS told (
        size_bytes bigint, byte_order text, storage text, frames bigint, samples_per_channel bigint,
        sample_rate_hz double precision, point_rate_hz double precision, duration_s double precision, game jsonb)
    -- What the earlier system said of a recording gives way to what its bytes say, and never the other way round.
    ON CONFLICT (file_hash) DO UPDATE
    SET (size_bytes, byte_order, storage, frames, samples_per_channel, sample_rate_hz, point_rate_hz, duration_s,
         recorded_at, game_level, game_score, game_duration_s)
        = ROW (excluded.size_bytes, excluded.byte_order, excluded.storage, excluded.frames, excluded.samples_per_channel,
               excluded.sample_rate_hz, excluded.point_rate_hz, excluded.duration_s, excluded.recorded_at,
               excluded.game_level, excluded.game_score, excluded.game_duration_s)
    WHERE summary ->> 'schema' = 'emg-summary/1' AND (recordings.*) IS DISTINCT FROM (excluded.*);

    INSERT INTO provenance (result_id, profile, profile_digest, core_version)
    VALUES (stored.id, summary #>> '{profile,name}', summary #>> '{profile,digest}',
            summary #>> '{provenance,core_version}')
    RETURNING result INTO made;

    INSERT INTO scores
    SELECT made, told.overall, told.compliance, told.symmetry, told.effort, told.game,
           (told.bfr ->> 'compliant')::boolean, (told.bfr ->> 'cuff_pressure_permille_aop')::double precision
    FROM jsonb_to_record(summary -> 'scores') AS told (
        overall double precision, compliance double precision, symmetry double precision, effort double precision,
        game double precision, bfr jsonb);

    INSERT INTO channels
    SELECT made, number, found.name, listed.unit, listed.role, found.verdict,
           ARRAY(SELECT reason ->> 'reason' FROM jsonb_array_elements(found.reasons) AS reason),
           found.usable_s, found.usable_fraction, found.dc_offset_volts, found.mains_ratio, found.minimum_volts,
           found.maximum_volts
    FROM jsonb_array_elements(summary -> 'channels') WITH ORDINALITY AS each (channel, number)
    CROSS JOIN jsonb_to_record(channel) AS found (
        name text, verdict text, reasons jsonb, usable_s double precision, usable_fraction double precision,
        dc_offset_volts double precision, mains_ratio double precision, minimum_volts double precision,
        maximum_volts double precision)
    LEFT JOIN (
        SELECT DISTINCT ON (told ->> 'name') told ->> 'name' AS name, told ->> 'unit' AS unit, told ->> 'role' AS role
        FROM jsonb_array_elements(recording -> 'channels') AS told
        ORDER BY told ->> 'name') AS listed ON listed.name = found.name;

    INSERT INTO muscles
    SELECT made, number, muscle ->> 'name', muscle ->> 'raw_channel', muscle ->> 'timing_channel',
           (muscle ->> 'timing_lag_ms')::double precision, muscle ->> 'skipped',
           (muscle ->> 'excluded_samples')::bigint,
           amplitude.rms_volts, amplitude.mav_volts, amplitude.iemg_volt_seconds,
           spectrum.mpf_hz, spectrum.mdf_hz, spectrum.fi_nsm5,
           reference.method, reference.volts, reference.threshold_volts,
           (muscle ->> 'detection_threshold_volts')::double precision,
           found.count, found.good, found.meets_mvc, found.meets_duration, found.mean_duration_ms,
           found.min_duration_ms, found.max_duration_ms, found.total_duration_ms, found.mean_amplitude_volts,
           found.max_amplitude_volts,
           fatigue.mdf_slope_hz_per_minute, fatigue.ci_low_hz_per_minute, fatigue.ci_high_hz_per_minute,
           fatigue.mdf_change_percent,
           score.compliance, score.completion, score.intensity, score.duration
    FROM jsonb_array_elements(summary -> 'muscles') WITH ORDINALITY AS each (muscle, number)
    LEFT JOIN jsonb_each(summary #> '{scores,muscles}') AS scored ON scored.key = muscle ->> 'name'
    CROSS JOIN jsonb_to_record(part_of(muscle, 'amplitude')) AS amplitude (
        rms_volts double precision, mav_volts double precision, iemg_volt_seconds double precision)
    CROSS JOIN jsonb_to_record(part_of(muscle, 'spectrum')) AS spectrum (
        mpf_hz double precision, mdf_hz double precision, fi_nsm5 double precision)
    CROSS JOIN jsonb_to_record(part_of(muscle, 'reference')) AS reference (
        method text, volts double precision, threshold_volts double precision)
    CROSS JOIN jsonb_to_record(part_of(muscle, 'contraction_summary')) AS found (
        count integer, good integer, meets_mvc integer, meets_duration integer, mean_duration_ms double precision,
        min_duration_ms double precision, max_duration_ms double precision, total_duration_ms double precision,
        mean_amplitude_volts double precision, max_amplitude_volts double precision)
    CROSS JOIN jsonb_to_record(part_of(muscle, 'fatigue')) AS fatigue (
        mdf_slope_hz_per_minute double precision, ci_low_hz_per_minute double precision,
        ci_high_hz_per_minute double precision, mdf_change_percent double precision)
    -- A muscle that was skipped has a score of null.
    CROSS JOIN jsonb_to_record(coalesce(nullif(scored.value, 'null'), '{}')) AS score (
        compliance double precision, completion double precision, intensity double precision,
        duration double precision);

    INSERT INTO contractions
    SELECT made, each.number, told.number, told.start_sample, told.end_sample, told.start_ms, told.end_ms,
           told.duration_ms, told.mean_amplitude_volts, told.max_amplitude_volts, told.rms_volts,
           told.iemg_volt_seconds, told.time_to_peak_ms, told.mpf_hz, told.mdf_hz,
           told.meets_mvc, told.meets_duration, told.is_good,
           -- What a profile tells only where it is so; the profiles that tell it tell rms_volts, too.
           CASE WHEN told.rms_volts IS NOT NULL THEN coalesce(told.long, false) END,
           CASE WHEN told.rms_volts IS NOT NULL THEN coalesce(told.merged, 0) END,
           CASE WHEN told.rms_volts IS NOT NULL THEN coalesce(told.faults, 0) END
    FROM jsonb_array_elements(summary -> 'muscles') WITH ORDINALITY AS each (muscle, number)
    CROSS JOIN ROWS FROM (jsonb_to_recordset(muscle -> 'contractions') AS (
        start_sample integer, end_sample integer, start_ms double precision, end_ms double precision,
        duration_ms double precision, mean_amplitude_volts double precision, max_amplitude_volts double precision,
        rms_volts double precision, iemg_volt_seconds double precision, time_to_peak_ms double precision,
        mpf_hz double precision, mdf_hz double precision, meets_mvc boolean, meets_duration boolean,
        is_good boolean, long boolean, merged smallint, faults smallint)) WITH ORDINALITY AS told (
        start_sample, end_sample, start_ms, end_ms, duration_ms, mean_amplitude_volts, max_amplitude_volts, rms_volts,
        iemg_volt_seconds, time_to_peak_ms, mpf_hz, mdf_hz, meets_mvc, meets_duration, is_good, long, merged, faults,
        number);

    INSERT INTO faults
    SELECT made, told.number, told.channel, told.kind, told.start_sample, told.end_sample, told.start_s,
           told.end_s
    FROM ROWS FROM (jsonb_to_recordset(summary -> 'faults') AS (
        channel text, kind text, start_sample integer, end_sample integer, start_s double precision,
        end_s double precision)) WITH ORDINALITY AS told (channel, kind, start_sample, end_sample, start_s, end_s,
        number);
END
$$;

-- Who adds the first result of some bytes and who removes the last take turns. Migrations hold the tables alone: a lock
-- for each of many thousand results would be more than a server has room for.
CREATE FUNCTION take_turns(file_hash text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('emg.migrating', true), '') <> 'yes' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(file_hash, 0));
    END IF;
END
$$;

CREATE FUNCTION fill_tables_for_people() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM take_turns(NEW.file_hash);
    PERFORM fill_tables_for_people(NEW);
    RETURN NULL;
END
$$;

CREATE TRIGGER analysis_results_fill_tables
    AFTER INSERT OR UPDATE OF analytics_summary, file_hash ON analysis_results
    FOR EACH ROW EXECUTE FUNCTION fill_tables_for_people();

CREATE FUNCTION forget_recording() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM take_turns(OLD.file_hash);
    DELETE FROM recordings
    WHERE file_hash = OLD.file_hash
      AND NOT EXISTS (SELECT FROM analysis_results WHERE file_hash = OLD.file_hash);
    RETURN NULL;
END
$$;

CREATE TRIGGER analysis_results_forget_recording
    AFTER DELETE OR UPDATE OF file_hash ON analysis_results
    FOR EACH ROW EXECUTE FUNCTION forget_recording();

REVOKE ALL ON FUNCTION fill_tables_for_people(analysis_results) FROM PUBLIC;

-- Every number of every contraction had an entry of its own in the index of whole documents: 31 kB for a document of 7.
-- The tables answer for all of it but the options of the profile.
DROP INDEX analysis_results_summary;
CREATE INDEX analysis_results_summary ON analysis_results USING gin ((analytics_summary -> 'profile') jsonb_path_ops);

-- What is stored already.
SELECT count(fill_tables_for_people(stored)) FROM analysis_results AS stored;

-- Units are told of every column that has one; a test holds all tables and views to it.

COMMENT ON TABLE recordings IS 'The bytes of a recording, whoever uploaded them and however they were analysed';
COMMENT ON COLUMN recordings.file_hash IS 'sha256 of the bytes, hexadecimal';
COMMENT ON COLUMN recordings.size_bytes IS 'Size, bytes';
COMMENT ON COLUMN recordings.byte_order IS 'intel, dec or mips';
COMMENT ON COLUMN recordings.storage IS 'How samples are stored: int16 or float32';
COMMENT ON COLUMN recordings.frames IS 'Frames of the point rate';
COMMENT ON COLUMN recordings.samples_per_channel IS 'Samples of each analog channel';
COMMENT ON COLUMN recordings.sample_rate_hz IS 'Analog sample rate, hertz';
COMMENT ON COLUMN recordings.point_rate_hz IS 'Frame rate, hertz';
COMMENT ON COLUMN recordings.duration_s IS 'Duration by the samples, seconds';
COMMENT ON COLUMN recordings.recorded_at IS
    'Local time of the recording system, to the minute; null where the recording tells none or no real day';
COMMENT ON COLUMN recordings.game_level IS 'Level of the game, no unit';
COMMENT ON COLUMN recordings.game_score IS 'Points in the game';
COMMENT ON COLUMN recordings.game_duration_s IS 'Duration as the game counted, whole seconds';

COMMENT ON TABLE provenance IS
    'How a result was made; one row per stored document, made anew with it. Everything below hangs on it';
COMMENT ON COLUMN provenance.result IS 'Number of this making; changes whenever the document does';
COMMENT ON COLUMN provenance.result_id IS 'The document: analysis_results.id';
COMMENT ON COLUMN provenance.profile IS 'Name of the analysis profile';
COMMENT ON COLUMN provenance.profile_digest IS 'sha256 of the profile with all its options, hexadecimal';
COMMENT ON COLUMN provenance.core_version IS 'Version of the core that computed it';

COMMENT ON TABLE scores IS 'Scores of a result, each 0 to 100; null where a part is missing';
COMMENT ON COLUMN scores.result IS 'provenance.result';
COMMENT ON COLUMN scores.overall IS 'Weighted mean of the parts, 0 to 100';
COMMENT ON COLUMN scores.compliance IS 'Mean of the muscles'' compliance, 0 to 100';
COMMENT ON COLUMN scores.symmetry IS '(1 - |L - R| / (L + R)) * 100 of the compliance of two muscles, 0 to 100';
COMMENT ON COLUMN scores.effort IS 'From perceived exertion (Borg CR-10), 0 to 100';
COMMENT ON COLUMN scores.game IS 'Points of those possible, 0 to 100';
COMMENT ON COLUMN scores.bfr_compliant IS 'Whether cuff pressure was 45 to 55 % of the arterial occlusion pressure';
COMMENT ON COLUMN scores.cuff_pressure_permille_aop IS 'Cuff pressure, thousandths of the arterial occlusion pressure';

COMMENT ON TABLE channels IS 'Channels of a result with what is wrong with them, one row each';
COMMENT ON COLUMN channels.result IS 'provenance.result';
COMMENT ON COLUMN channels.channel_number IS 'From 1, in the order of the recording';
COMMENT ON COLUMN channels.channel IS 'Name in the recording';
COMMENT ON COLUMN channels.unit IS 'Unit in the recording; null where it tells none and volts are assumed';
COMMENT ON COLUMN channels.role IS 'raw, activated or other';
COMMENT ON COLUMN channels.verdict IS 'Usable, Degraded or Unusable';
COMMENT ON COLUMN channels.reasons IS 'Why, worst first; empty where nothing is wrong';
COMMENT ON COLUMN channels.usable_s IS 'Time without faults, seconds';
COMMENT ON COLUMN channels.usable_fraction IS 'Share of the samples without faults, 0 to 1';
COMMENT ON COLUMN channels.dc_offset_volts IS 'Mean of the usable samples, volts';
COMMENT ON COLUMN channels.mains_ratio IS 'Power of the strongest mains line against its neighbours, a ratio';
COMMENT ON COLUMN channels.minimum_volts IS 'Smallest usable sample, volts';
COMMENT ON COLUMN channels.maximum_volts IS 'Largest usable sample, volts';

COMMENT ON TABLE muscles IS
    'Muscles of a result with their metrics, one row each; null where the muscle was skipped or the profile tells none';
COMMENT ON COLUMN muscles.result IS 'provenance.result';
COMMENT ON COLUMN muscles.muscle_number IS 'From 1, in the order of the recording';
COMMENT ON COLUMN muscles.muscle IS 'Name, from its channels';
COMMENT ON COLUMN muscles.raw_channel IS 'The channel amplitude and spectra are of';
COMMENT ON COLUMN muscles.timing_channel IS 'The channel contractions are found in';
COMMENT ON COLUMN muscles.timing_lag_ms IS 'How much later the timing channel is than the envelope, milliseconds';
COMMENT ON COLUMN muscles.skipped IS 'Why nothing was computed; null if it was';
COMMENT ON COLUMN muscles.excluded_samples IS 'Usable samples in segments too short for the filters';
COMMENT ON COLUMN muscles.rms_volts IS 'Root mean square, volts';
COMMENT ON COLUMN muscles.mav_volts IS 'Mean absolute value, volts';
COMMENT ON COLUMN muscles.iemg_volt_seconds IS 'Integrated EMG, volt seconds';
COMMENT ON COLUMN muscles.mpf_hz IS 'Mean power frequency, hertz';
COMMENT ON COLUMN muscles.mdf_hz IS 'Median frequency, hertz';
COMMENT ON COLUMN muscles.fi_nsm5 IS 'Dimitrov''s spectral fatigue index, seconds to the sixth power';
COMMENT ON COLUMN muscles.reference_method IS
    'Where the reference comes from: Provided, File, InTaskP95, Default or None';
COMMENT ON COLUMN muscles.reference_volts IS 'Amplitude that counts as maximum, volts';
COMMENT ON COLUMN muscles.threshold_volts IS 'Amplitude a contraction has to reach to meet MVC, volts';
COMMENT ON COLUMN muscles.detection_threshold_volts IS 'Where contractions begin in the timing signal, volts; null where it is of an energy';
COMMENT ON COLUMN muscles.contractions IS 'How many contractions';
COMMENT ON COLUMN muscles.good_contractions IS 'How many meet every criterion that is set';
COMMENT ON COLUMN muscles.contractions_meeting_mvc IS 'How many reach the threshold; null without a reference';
COMMENT ON COLUMN muscles.contractions_long_enough IS 'How many last as long as asked for';
COMMENT ON COLUMN muscles.mean_duration_ms IS 'Mean duration of the contractions, milliseconds';
COMMENT ON COLUMN muscles.min_duration_ms IS 'Duration of the shortest, milliseconds';
COMMENT ON COLUMN muscles.max_duration_ms IS 'Duration of the longest, milliseconds';
COMMENT ON COLUMN muscles.total_duration_ms IS 'Time under tension, milliseconds';
COMMENT ON COLUMN muscles.mean_amplitude_volts IS 'Mean of the contractions'' mean amplitudes, volts';
COMMENT ON COLUMN muscles.max_amplitude_volts IS 'Largest amplitude in a contraction, volts';
COMMENT ON COLUMN muscles.mdf_slope_hz_per_minute IS
    'Slope of the median frequency over contractions, hertz per minute; falls with fatigue';
COMMENT ON COLUMN muscles.mdf_slope_low_hz_per_minute IS 'Lower end of its 95 % interval, hertz per minute';
COMMENT ON COLUMN muscles.mdf_slope_high_hz_per_minute IS 'Upper end of its 95 % interval, hertz per minute';
COMMENT ON COLUMN muscles.mdf_change_percent IS
    'Change of the median frequency from first to last contraction on that line, percent';
COMMENT ON COLUMN muscles.compliance IS 'Compliance of the muscle, 0 to 100';
COMMENT ON COLUMN muscles.completion IS 'Contractions of those expected, 0 to 1';
COMMENT ON COLUMN muscles.intensity IS 'Share of contractions meeting MVC, 0 to 1';
COMMENT ON COLUMN muscles.duration IS 'Share of contractions that last as long as asked for, 0 to 1';

COMMENT ON TABLE contractions IS 'Contractions, one row each';
COMMENT ON COLUMN contractions.result IS 'provenance.result';
COMMENT ON COLUMN contractions.muscle_number IS 'muscles.muscle_number';
COMMENT ON COLUMN contractions.contraction IS 'From 1 within the muscle';
COMMENT ON COLUMN contractions.start_sample IS 'First sample, from 0';
COMMENT ON COLUMN contractions.end_sample IS 'Sample after the last';
COMMENT ON COLUMN contractions.start_ms IS 'Start after the beginning of the recording, milliseconds';
COMMENT ON COLUMN contractions.end_ms IS 'End after the beginning of the recording, milliseconds';
COMMENT ON COLUMN contractions.duration_ms IS 'Duration, milliseconds';
COMMENT ON COLUMN contractions.mean_amplitude_volts IS 'Mean of the envelope, volts';
COMMENT ON COLUMN contractions.max_amplitude_volts IS 'Largest value of the envelope, volts';
COMMENT ON COLUMN contractions.rms_volts IS 'Root mean square, volts';
COMMENT ON COLUMN contractions.iemg_volt_seconds IS 'Integrated EMG, volt seconds';
COMMENT ON COLUMN contractions.time_to_peak_ms IS 'From start to the largest value, milliseconds';
COMMENT ON COLUMN contractions.mpf_hz IS 'Mean power frequency, hertz; null where too short for a spectrum';
COMMENT ON COLUMN contractions.mdf_hz IS 'Median frequency, hertz; null where too short for a spectrum';
COMMENT ON COLUMN contractions.meets_mvc IS 'Whether it reaches the threshold; null without a reference';
COMMENT ON COLUMN contractions.meets_duration IS 'Whether it lasts as long as asked for';
COMMENT ON COLUMN contractions.is_good IS 'Whether it meets every criterion that is set';
COMMENT ON COLUMN contractions.long IS
    'Whether it is longer than a contraction should be; null where the profile does not tell';
COMMENT ON COLUMN contractions.merged IS 'How many gaps were merged away; null where the profile does not tell';
COMMENT ON COLUMN contractions.faults IS 'How many unusable parts it touches; null where the profile does not tell';

COMMENT ON TABLE faults IS 'Parts of channels that must not be trusted, the longest of each recording';
COMMENT ON COLUMN faults.result IS 'provenance.result';
COMMENT ON COLUMN faults.fault IS 'From 1, in the order of the document';
COMMENT ON COLUMN faults.channel IS 'Name of the channel';
COMMENT ON COLUMN faults.kind IS 'Dropout, Saturated, Flat or NonFinite';
COMMENT ON COLUMN faults.start_sample IS 'First sample, from 0';
COMMENT ON COLUMN faults.end_sample IS 'Sample after the last';
COMMENT ON COLUMN faults.start_s IS 'Start after the beginning of the recording, seconds';
COMMENT ON COLUMN faults.end_s IS 'End after the beginning of the recording, seconds';

COMMENT ON TABLE schema_migrations IS 'Which migrations this database has';
COMMENT ON COLUMN therapy_sessions.id IS 'Made of the session''s name';
COMMENT ON COLUMN therapy_sessions.created_at IS 'When it was first heard of';
COMMENT ON COLUMN therapy_sessions.updated_at IS 'When this row last changed';
COMMENT ON COLUMN analysis_results.id IS 'Random';
COMMENT ON COLUMN analysis_results.created_at IS 'When the first result of this key was stored';
COMMENT ON COLUMN analysis_results.updated_at IS 'When this result was stored';
COMMENT ON COLUMN session_personal_data.session_id IS 'therapy_sessions.id';
COMMENT ON COLUMN session_personal_data.updated_at IS 'When this row last changed';
COMMENT ON COLUMN schema_migrations.version IS 'Number of the migration';
COMMENT ON COLUMN schema_migrations.name IS 'Name of its file';
COMMENT ON COLUMN schema_migrations.checksum IS 'sha256 of its file, hexadecimal; a released one is never edited';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied here';

COMMENT ON FUNCTION fill_tables_for_people(analysis_results) IS 'Spread a document over the tables for people, anew';
COMMENT ON FUNCTION timestamp_or_null(text) IS 'A time that is told, null where there is no such';
COMMENT ON FUNCTION part_of(jsonb, text) IS 'A part of a muscle in a document, empty where it is null';
