-- summary: the settings that decide about causes
-- kind: read
-- server: 15-18
-- note: what was given when the server was started no ALTER SYSTEM changes; and it takes a right, with that to reload.
-- column autovacuum boolean
-- column track_counts boolean
-- column work_mem integer
-- column shared_buffers integer
-- column max_wal_size integer
-- column checkpoint_seconds integer
-- column freeze_max_age integer
-- column max_slot_wal integer
-- column database_bytes integer
-- column uptime_seconds number
-- column given_at_start text null
-- column not_ours text null
SELECT current_setting('autovacuum')::bool AS autovacuum,
       current_setting('track_counts')::bool AS track_counts,
       pg_size_bytes(current_setting('work_mem')) AS work_mem,
       pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers,
       pg_size_bytes(current_setting('max_wal_size')) AS max_wal_size,
       extract(epoch FROM current_setting('checkpoint_timeout')::interval)::int8 AS checkpoint_seconds,
       current_setting('autovacuum_freeze_max_age')::int8 AS freeze_max_age,
       CASE current_setting('max_slot_wal_keep_size') WHEN '-1' THEN -1
            ELSE pg_size_bytes(current_setting('max_slot_wal_keep_size')) END AS max_slot_wal,
       pg_database_size(current_database()) AS database_bytes,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime_seconds,
       (SELECT string_agg(s.name, ' ')
          FROM pg_settings s
         WHERE s.name IN ('autovacuum', 'track_counts', 'max_wal_size', 'max_slot_wal_keep_size')
           AND s.source IN ('command line', 'override')) AS given_at_start,
       (SELECT string_agg(n.name, ' ')
          FROM unnest(ARRAY['autovacuum', 'track_counts', 'max_wal_size', 'max_slot_wal_keep_size']) AS n (name)
         WHERE NOT has_parameter_privilege(n.name, 'ALTER SYSTEM')
            OR NOT has_function_privilege('pg_reload_conf()', 'EXECUTE')) AS not_ours
