-- summary: the same as statements/snapshot, of an extension that is older than its server
-- kind: read
-- server: 15-18
-- note: one name for what the versions call differently: see pg_stat_history in host/tables.def. What a version lacks is
-- note: null. Asking for the texts as well would make the server read their whole file, so they come apart.
-- note: ALTER EXTENSION UPDATE is often forgotten, and the view is then that of the version before. It is slower.
-- note: statements without an identifier are those of others, whose text this role may not see.
-- param schema identifier like public
-- param without_user integer null
-- column userid integer
-- column dbid integer
-- column toplevel boolean
-- column queryid integer
-- column user_name text null
-- column database_name text null
-- column plans integer null
-- column total_plan_time number null
-- column min_plan_time number null
-- column max_plan_time number null
-- column mean_plan_time number null
-- column stddev_plan_time number null
-- column calls integer
-- column total_exec_time number
-- column min_exec_time number null
-- column max_exec_time number null
-- column mean_exec_time number null
-- column stddev_exec_time number null
-- column rows integer null
-- column shared_blks_hit integer null
-- column shared_blks_read integer null
-- column shared_blks_dirtied integer null
-- column shared_blks_written integer null
-- column local_blks_hit integer null
-- column local_blks_read integer null
-- column local_blks_dirtied integer null
-- column local_blks_written integer null
-- column temp_blks_read integer null
-- column temp_blks_written integer null
-- column shared_blk_read_time number null
-- column shared_blk_write_time number null
-- column local_blk_read_time number null
-- column local_blk_write_time number null
-- column temp_blk_read_time number null
-- column temp_blk_write_time number null
-- column wal_records integer null
-- column wal_fpi integer null
-- column wal_bytes integer null
-- column wal_buffers_full integer null
-- column jit_functions integer null
-- column jit_generation_time number null
-- column jit_inlining_count integer null
-- column jit_inlining_time number null
-- column jit_optimization_count integer null
-- column jit_optimization_time number null
-- column jit_emission_count integer null
-- column jit_emission_time number null
-- column jit_deform_count integer null
-- column jit_deform_time number null
-- column parallel_workers_to_launch integer null
-- column parallel_workers_launched integer null
-- column stats_since timestamp null
-- column minmax_stats_since timestamp null
SELECT (s.j ->> 'userid')::int8 AS userid,
       (s.j ->> 'dbid')::int8 AS dbid,
       coalesce((s.j ->> 'toplevel')::bool, true) AS toplevel,
       (s.j ->> 'queryid')::int8 AS queryid,
       r.rolname::text AS user_name,
       d.datname::text AS database_name,
       (s.j ->> 'plans')::int8 AS plans,
       (s.j ->> 'total_plan_time')::float8 AS total_plan_time,
       (s.j ->> 'min_plan_time')::float8 AS min_plan_time,
       (s.j ->> 'max_plan_time')::float8 AS max_plan_time,
       (s.j ->> 'mean_plan_time')::float8 AS mean_plan_time,
       (s.j ->> 'stddev_plan_time')::float8 AS stddev_plan_time,
       (s.j ->> 'calls')::int8 AS calls,
       (s.j ->> 'total_exec_time')::float8 AS total_exec_time,
       (s.j ->> 'min_exec_time')::float8 AS min_exec_time,
       (s.j ->> 'max_exec_time')::float8 AS max_exec_time,
       (s.j ->> 'mean_exec_time')::float8 AS mean_exec_time,
       (s.j ->> 'stddev_exec_time')::float8 AS stddev_exec_time,
       (s.j ->> 'rows')::int8 AS rows,
       (s.j ->> 'shared_blks_hit')::int8 AS shared_blks_hit,
       (s.j ->> 'shared_blks_read')::int8 AS shared_blks_read,
       (s.j ->> 'shared_blks_dirtied')::int8 AS shared_blks_dirtied,
       (s.j ->> 'shared_blks_written')::int8 AS shared_blks_written,
       (s.j ->> 'local_blks_hit')::int8 AS local_blks_hit,
       (s.j ->> 'local_blks_read')::int8 AS local_blks_read,
       (s.j ->> 'local_blks_dirtied')::int8 AS local_blks_dirtied,
       (s.j ->> 'local_blks_written')::int8 AS local_blks_written,
       (s.j ->> 'temp_blks_read')::int8 AS temp_blks_read,
       (s.j ->> 'temp_blks_written')::int8 AS temp_blks_written,
       coalesce(s.j ->> 'shared_blk_read_time', s.j ->> 'blk_read_time')::float8 AS shared_blk_read_time,
       coalesce(s.j ->> 'shared_blk_write_time', s.j ->> 'blk_write_time')::float8 AS shared_blk_write_time,
       (s.j ->> 'local_blk_read_time')::float8 AS local_blk_read_time,
       (s.j ->> 'local_blk_write_time')::float8 AS local_blk_write_time,
       (s.j ->> 'temp_blk_read_time')::float8 AS temp_blk_read_time,
       (s.j ->> 'temp_blk_write_time')::float8 AS temp_blk_write_time,
       (s.j ->> 'wal_records')::int8 AS wal_records,
       (s.j ->> 'wal_fpi')::int8 AS wal_fpi,
       (s.j ->> 'wal_bytes')::int8 AS wal_bytes,
       (s.j ->> 'wal_buffers_full')::int8 AS wal_buffers_full,
       (s.j ->> 'jit_functions')::int8 AS jit_functions,
       (s.j ->> 'jit_generation_time')::float8 AS jit_generation_time,
       (s.j ->> 'jit_inlining_count')::int8 AS jit_inlining_count,
       (s.j ->> 'jit_inlining_time')::float8 AS jit_inlining_time,
       (s.j ->> 'jit_optimization_count')::int8 AS jit_optimization_count,
       (s.j ->> 'jit_optimization_time')::float8 AS jit_optimization_time,
       (s.j ->> 'jit_emission_count')::int8 AS jit_emission_count,
       (s.j ->> 'jit_emission_time')::float8 AS jit_emission_time,
       (s.j ->> 'jit_deform_count')::int8 AS jit_deform_count,
       (s.j ->> 'jit_deform_time')::float8 AS jit_deform_time,
       (s.j ->> 'parallel_workers_to_launch')::int8 AS parallel_workers_to_launch,
       (s.j ->> 'parallel_workers_launched')::int8 AS parallel_workers_launched,
       (s.j ->> 'stats_since')::timestamptz AS stats_since,
       (s.j ->> 'minmax_stats_since')::timestamptz AS minmax_stats_since
  FROM (SELECT to_jsonb(p) AS j FROM :schema.pg_stat_statements(false) p WHERE p.queryid IS NOT NULL) s
  LEFT JOIN pg_roles r ON r.oid = (s.j ->> 'userid')::oid
  LEFT JOIN pg_database d ON d.oid = (s.j ->> 'dbid')::oid
 WHERE :without_user::oid IS NULL OR (s.j ->> 'userid')::oid <> :without_user::oid
