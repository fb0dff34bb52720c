-- summary: the settings that decide about causes
-- kind: read
-- server: 15-18
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
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime_seconds
