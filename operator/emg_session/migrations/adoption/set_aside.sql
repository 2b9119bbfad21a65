-- Why: a database of the earlier system gets the same tables as a new one. Its results are set aside under another name
-- for 027 to take over, within the transaction that makes ours; its sessions stay where they are, as other tables of it
-- point to them.

DROP VIEW IF EXISTS analysis_summary, analysis_summary_optimized;
DROP FUNCTION IF EXISTS calculate_storage_reduction();
ALTER TABLE analysis_results RENAME TO earlier_results;

-- Whatever version of it made the table: 027 can name every column.
ALTER TABLE earlier_results
    ADD COLUMN IF NOT EXISTS session_id               uuid,
    ADD COLUMN IF NOT EXISTS c3d_metadata_id          uuid,
    ADD COLUMN IF NOT EXISTS file_hash                text,
    ADD COLUMN IF NOT EXISTS processing_version       text,
    ADD COLUMN IF NOT EXISTS processing_params        jsonb,
    ADD COLUMN IF NOT EXISTS emg_signals              jsonb,
    ADD COLUMN IF NOT EXISTS analytics_data           jsonb,
    ADD COLUMN IF NOT EXISTS analytics_summary        jsonb,
    ADD COLUMN IF NOT EXISTS contractions_data        jsonb,
    ADD COLUMN IF NOT EXISTS temporal_stats           jsonb,
    ADD COLUMN IF NOT EXISTS mvc_values               jsonb,
    ADD COLUMN IF NOT EXISTS compliance_scores        jsonb,
    ADD COLUMN IF NOT EXISTS good_contractions_count  integer,
    ADD COLUMN IF NOT EXISTS total_contractions_count integer,
    ADD COLUMN IF NOT EXISTS created_at               timestamptz,
    ADD COLUMN IF NOT EXISTS updated_at               timestamptz;

DO $$
DECLARE
    found record;
BEGIN
    -- 027 calls functions with them, which take no other type.
    FOR found IN SELECT attname, wanted FROM pg_attribute
                 JOIN (VALUES ('session_id', 'uuid'), ('c3d_metadata_id', 'uuid'), ('processing_params', 'jsonb'),
                              ('emg_signals', 'jsonb'), ('analytics_data', 'jsonb'), ('analytics_summary', 'jsonb'),
                              ('contractions_data', 'jsonb'), ('temporal_stats', 'jsonb'), ('mvc_values', 'jsonb'),
                              ('compliance_scores', 'jsonb')) AS shared (name, wanted) ON name = attname
                 WHERE attrelid = 'earlier_results'::regclass AND NOT attisdropped
                   AND format_type(atttypid, atttypmod) <> wanted LOOP
        EXECUTE format('ALTER TABLE earlier_results ALTER COLUMN %1$I TYPE %2$s USING %1$I::text::%2$s',
                       found.attname, found.wanted);
    END LOOP;
    -- Its own migration 022 moved what was analysed into a column that is ours now.
    UPDATE earlier_results
    SET analytics_data = CASE jsonb_typeof(analytics_data) WHEN 'object' THEN analytics_data ELSE analytics_summary END
    WHERE jsonb_typeof(analytics_summary) = 'object';
    UPDATE earlier_results SET analytics_summary = NULL WHERE analytics_data = analytics_summary;
    ALTER TABLE earlier_results RENAME COLUMN analytics_summary TO summary;
    -- What a result does not tell of its recording, its session may.
    IF to_regclass('c3d_metadata') IS NOT NULL THEN
        UPDATE earlier_results AS stored SET file_hash = to_jsonb(metadata) ->> 'file_hash'
        FROM c3d_metadata AS metadata WHERE stored.file_hash IS NULL AND metadata.id = stored.c3d_metadata_id;
    END IF;
    IF to_regclass('therapy_sessions') IS NOT NULL THEN
        UPDATE earlier_results AS stored SET file_hash = to_jsonb(session) ->> 'file_hash'
        FROM therapy_sessions AS session WHERE stored.file_hash IS NULL AND session.id = stored.session_id;
    END IF;
EXCEPTION
    WHEN feature_not_supported THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE =
            'views or keys of others depend on the earlier system''s analysis_results: drop them, then migrate again';
END
$$;

DO $$
DECLARE
    found record;
BEGIN
    -- Names of indexes belong to the schema: ours are to have theirs.
    FOR found IN SELECT indexrelid::regclass AS name, relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE indrelid = 'earlier_results'::regclass LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', found.name, left('earlier_' || found.relname, 63));
    END LOOP;

    IF to_regclass('therapy_sessions') IS NULL THEN
        RETURN;
    END IF;
    -- We add sessions without knowing what else the earlier system wanted told of one.
    FOR found IN SELECT attname FROM pg_attribute
                 WHERE attrelid = 'therapy_sessions'::regclass AND attnum > 0 AND attnotnull AND NOT attisdropped
                   AND attname NOT IN ('id', 'created_at', 'updated_at') LOOP
        EXECUTE format('ALTER TABLE therapy_sessions ALTER COLUMN %I DROP NOT NULL', found.attname);
    END LOOP;
    -- The columns that we share, as 021 makes them.
    FOR found IN SELECT attname, wanted FROM pg_attribute
                 JOIN (VALUES ('session_code', 'varchar(63)'), ('file_path', 'text'), ('file_size_bytes', 'bigint'),
                              ('file_hash', 'varchar(64)'), ('subject', 'varchar(63)'), ('game_metadata', 'jsonb'))
                   AS shared (name, wanted) ON name = attname
                 WHERE attrelid = 'therapy_sessions'::regclass AND NOT attisdropped
                   AND format_type(atttypid, atttypmod) <> replace(wanted, 'varchar', 'character varying') LOOP
        EXECUTE format('ALTER TABLE therapy_sessions ALTER COLUMN %1$I DROP DEFAULT,'
                       ' ALTER COLUMN %1$I TYPE %2$s USING %1$I::text::%2$s',
                       found.attname, found.wanted);
    END LOOP;
    -- ALTER does not add what is there, so these keep their type; null would not do for us.
    ALTER TABLE therapy_sessions
        ADD COLUMN IF NOT EXISTS created_at timestamptz,
        ADD COLUMN IF NOT EXISTS updated_at timestamptz;
    UPDATE therapy_sessions
    SET created_at = coalesce(created_at, now()), updated_at = coalesce(updated_at, created_at, now())
    WHERE created_at IS NULL OR updated_at IS NULL;
    ALTER TABLE therapy_sessions
        ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN created_at SET NOT NULL,
        ALTER COLUMN updated_at SET DEFAULT now(), ALTER COLUMN updated_at SET NOT NULL;
EXCEPTION
    -- A view that shows a column holds its type.
    WHEN feature_not_supported THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE =
            'views or rules of others depend on columns of the earlier system''s therapy_sessions: drop them, then migrate'
            ' again';
    WHEN invalid_text_representation OR string_data_right_truncation THEN
        RAISE EXCEPTION USING ERRCODE = 'EMG01', MESSAGE =
            'columns of the earlier system''s therapy_sessions hold what ours of that name can not: correct them, then'
            ' migrate again';
END
$$;
