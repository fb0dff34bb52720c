-- summary: what the server shows of its work: sessions, spilled files, cache, rows
-- kind: read
-- server: 15-18
-- note: rows_returned has those of sequential scans and index entries, rows_fetched those that an index has led to.
-- column database text
-- column is_superuser boolean
-- column is_standby boolean
-- column counted_hours number
-- column sessions integer
-- column active integer
-- column commits integer
-- column rows_returned integer
-- column rows_fetched integer
-- column rows_changed integer
-- column temp_files integer
-- column temp_bytes integer
-- column server_temp_files integer
-- column server_temp_bytes integer
-- column blocks_hit integer
-- column blocks_read integer
-- column database_bytes integer
-- column settings_loaded_at timestamp
SELECT d.datname::text AS database,
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS is_superuser,
       pg_is_in_recovery() AS is_standby,
       (extract(epoch FROM now() - greatest(pg_postmaster_start_time(), d.stats_reset)) / 3600)::float8 AS counted_hours,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend') AS sessions,
       (SELECT count(*) FROM pg_stat_activity a
         WHERE a.backend_type = 'client backend' AND a.state = 'active' AND a.pid <> pg_backend_pid()) AS active,
       d.xact_commit AS commits,
       d.tup_returned AS rows_returned,
       d.tup_fetched AS rows_fetched,
       d.tup_inserted + d.tup_updated + d.tup_deleted AS rows_changed,
       d.temp_files AS temp_files,
       d.temp_bytes AS temp_bytes,
       (SELECT sum(o.temp_files)::int8 FROM pg_stat_database o) AS server_temp_files,
       (SELECT sum(o.temp_bytes)::int8 FROM pg_stat_database o) AS server_temp_bytes,
       d.blks_hit AS blocks_hit,
       d.blks_read AS blocks_read,
       pg_database_size(d.datid) AS database_bytes,
       pg_conf_load_time() AS settings_loaded_at
  FROM pg_stat_database d
 WHERE d.datname = current_database()
