-- summary: the server's vacuum settings, and since when its counters count
-- kind: read
-- server: 15-18
-- note: the maximum threshold came with version 18; before it there is none.
-- column database text
-- column enabled boolean
-- column vacuum_threshold number
-- column vacuum_scale number
-- column vacuum_max_threshold number null
-- column insert_threshold number
-- column insert_scale number
-- column analyze_threshold number
-- column analyze_scale number
-- column freeze_max_age number
-- column mxid_freeze_max_age number
-- column workers integer
-- column cost_limit integer
-- column cost_delay number
-- column lock_timeout text
-- column manual_cost_delay text
-- column manual_cost_limit text
-- column maintenance_bytes integer
-- column block_bytes integer
-- column counts_since timestamp
-- column is_standby boolean
-- column sees_sessions boolean
SELECT current_database()::text AS database,
       current_setting('autovacuum')::bool AND current_setting('track_counts')::bool AS enabled,
       current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_threshold,
       current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale,
       current_setting('autovacuum_vacuum_max_threshold', true)::float8 AS vacuum_max_threshold,
       current_setting('autovacuum_vacuum_insert_threshold')::float8 AS insert_threshold,
       current_setting('autovacuum_vacuum_insert_scale_factor')::float8 AS insert_scale,
       current_setting('autovacuum_analyze_threshold')::float8 AS analyze_threshold,
       current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale,
       current_setting('autovacuum_freeze_max_age')::float8 AS freeze_max_age,
       current_setting('autovacuum_multixact_freeze_max_age')::float8 AS mxid_freeze_max_age,
       current_setting('autovacuum_max_workers')::int8 AS workers,
       CASE WHEN current_setting('autovacuum_vacuum_cost_limit')::int8 > 0
            THEN current_setting('autovacuum_vacuum_cost_limit')::int8
            ELSE current_setting('vacuum_cost_limit')::int8 END AS cost_limit,
       (SELECT s.setting::float8 FROM pg_settings s WHERE s.name = 'autovacuum_vacuum_cost_delay') AS cost_delay,
       current_setting('lock_timeout') AS lock_timeout,
       current_setting('vacuum_cost_delay') AS manual_cost_delay,
       current_setting('vacuum_cost_limit') AS manual_cost_limit,
       pg_size_bytes(current_setting('maintenance_work_mem')) AS maintenance_bytes,
       current_setting('block_size')::int8 AS block_bytes,
       greatest(pg_postmaster_start_time(), pg_stat_get_db_stat_reset_time((SELECT d.oid FROM pg_database d
                                                                            WHERE d.datname = current_database())))
           AS counts_since,
       pg_is_in_recovery() AS is_standby,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_sessions
