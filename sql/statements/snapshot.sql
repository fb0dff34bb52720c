-- summary: what pg_stat_statements has counted, statement by statement, without the texts
-- kind: read
-- server: 15-18
-- note: one name for what the versions call differently: see pg_stat_history in host/tables.def. What a version lacks is
-- note: null. Asking for the texts as well would make the server read their whole file, so they come apart.
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
-- variant: 15-16
SELECT s.userid::int8 AS userid,
       s.dbid::int8 AS dbid,
       s.toplevel AS toplevel,
       s.queryid AS queryid,
       r.rolname::text AS user_name,
       d.datname::text AS database_name,
       s.plans AS plans,
       s.total_plan_time AS total_plan_time,
       s.min_plan_time AS min_plan_time,
       s.max_plan_time AS max_plan_time,
       s.mean_plan_time AS mean_plan_time,
       s.stddev_plan_time AS stddev_plan_time,
       s.calls AS calls,
       s.total_exec_time AS total_exec_time,
       s.min_exec_time AS min_exec_time,
       s.max_exec_time AS max_exec_time,
       s.mean_exec_time AS mean_exec_time,
       s.stddev_exec_time AS stddev_exec_time,
       s.rows AS rows,
       s.shared_blks_hit AS shared_blks_hit,
       s.shared_blks_read AS shared_blks_read,
       s.shared_blks_dirtied AS shared_blks_dirtied,
       s.shared_blks_written AS shared_blks_written,
       s.local_blks_hit AS local_blks_hit,
       s.local_blks_read AS local_blks_read,
       s.local_blks_dirtied AS local_blks_dirtied,
       s.local_blks_written AS local_blks_written,
       s.temp_blks_read AS temp_blks_read,
       s.temp_blks_written AS temp_blks_written,
       s.blk_read_time AS shared_blk_read_time,
       s.blk_write_time AS shared_blk_write_time,
       NULL::float8 AS local_blk_read_time,
       NULL::float8 AS local_blk_write_time,
       s.temp_blk_read_time AS temp_blk_read_time,
       s.temp_blk_write_time AS temp_blk_write_time,
       s.wal_records AS wal_records,
       s.wal_fpi AS wal_fpi,
       s.wal_bytes::int8 AS wal_bytes,
       NULL::int8 AS wal_buffers_full,
       s.jit_functions AS jit_functions,
       s.jit_generation_time AS jit_generation_time,
       s.jit_inlining_count AS jit_inlining_count,
       s.jit_inlining_time AS jit_inlining_time,
       s.jit_optimization_count AS jit_optimization_count,
       s.jit_optimization_time AS jit_optimization_time,
       s.jit_emission_count AS jit_emission_count,
       s.jit_emission_time AS jit_emission_time,
       NULL::int8 AS jit_deform_count,
       NULL::float8 AS jit_deform_time,
       NULL::int8 AS parallel_workers_to_launch,
       NULL::int8 AS parallel_workers_launched,
       NULL::timestamptz AS stats_since,
       NULL::timestamptz AS minmax_stats_since
  FROM :schema.pg_stat_statements(false) s
  LEFT JOIN pg_roles r ON r.oid = s.userid
  LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE s.queryid IS NOT NULL
   AND (:without_user::oid IS NULL OR s.userid <> :without_user::oid)
-- variant: 17
SELECT s.userid::int8 AS userid,
       s.dbid::int8 AS dbid,
       s.toplevel AS toplevel,
       s.queryid AS queryid,
       r.rolname::text AS user_name,
       d.datname::text AS database_name,
       s.plans AS plans,
       s.total_plan_time AS total_plan_time,
       s.min_plan_time AS min_plan_time,
       s.max_plan_time AS max_plan_time,
       s.mean_plan_time AS mean_plan_time,
       s.stddev_plan_time AS stddev_plan_time,
       s.calls AS calls,
       s.total_exec_time AS total_exec_time,
       s.min_exec_time AS min_exec_time,
       s.max_exec_time AS max_exec_time,
       s.mean_exec_time AS mean_exec_time,
       s.stddev_exec_time AS stddev_exec_time,
       s.rows AS rows,
       s.shared_blks_hit AS shared_blks_hit,
       s.shared_blks_read AS shared_blks_read,
       s.shared_blks_dirtied AS shared_blks_dirtied,
       s.shared_blks_written AS shared_blks_written,
       s.local_blks_hit AS local_blks_hit,
       s.local_blks_read AS local_blks_read,
       s.local_blks_dirtied AS local_blks_dirtied,
       s.local_blks_written AS local_blks_written,
       s.temp_blks_read AS temp_blks_read,
       s.temp_blks_written AS temp_blks_written,
       s.shared_blk_read_time AS shared_blk_read_time,
       s.shared_blk_write_time AS shared_blk_write_time,
       s.local_blk_read_time AS local_blk_read_time,
       s.local_blk_write_time AS local_blk_write_time,
       s.temp_blk_read_time AS temp_blk_read_time,
       s.temp_blk_write_time AS temp_blk_write_time,
       s.wal_records AS wal_records,
       s.wal_fpi AS wal_fpi,
       s.wal_bytes::int8 AS wal_bytes,
       NULL::int8 AS wal_buffers_full,
       s.jit_functions AS jit_functions,
       s.jit_generation_time AS jit_generation_time,
       s.jit_inlining_count AS jit_inlining_count,
       s.jit_inlining_time AS jit_inlining_time,
       s.jit_optimization_count AS jit_optimization_count,
       s.jit_optimization_time AS jit_optimization_time,
       s.jit_emission_count AS jit_emission_count,
       s.jit_emission_time AS jit_emission_time,
       s.jit_deform_count AS jit_deform_count,
       s.jit_deform_time AS jit_deform_time,
       NULL::int8 AS parallel_workers_to_launch,
       NULL::int8 AS parallel_workers_launched,
       s.stats_since AS stats_since,
       s.minmax_stats_since AS minmax_stats_since
  FROM :schema.pg_stat_statements(false) s
  LEFT JOIN pg_roles r ON r.oid = s.userid
  LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE s.queryid IS NOT NULL
   AND (:without_user::oid IS NULL OR s.userid <> :without_user::oid)
-- variant: 18
SELECT s.userid::int8 AS userid,
       s.dbid::int8 AS dbid,
       s.toplevel AS toplevel,
       s.queryid AS queryid,
       r.rolname::text AS user_name,
       d.datname::text AS database_name,
       s.plans AS plans,
       s.total_plan_time AS total_plan_time,
       s.min_plan_time AS min_plan_time,
       s.max_plan_time AS max_plan_time,
       s.mean_plan_time AS mean_plan_time,
       s.stddev_plan_time AS stddev_plan_time,
       s.calls AS calls,
       s.total_exec_time AS total_exec_time,
       s.min_exec_time AS min_exec_time,
       s.max_exec_time AS max_exec_time,
       s.mean_exec_time AS mean_exec_time,
       s.stddev_exec_time AS stddev_exec_time,
       s.rows AS rows,
       s.shared_blks_hit AS shared_blks_hit,
       s.shared_blks_read AS shared_blks_read,
       s.shared_blks_dirtied AS shared_blks_dirtied,
       s.shared_blks_written AS shared_blks_written,
       s.local_blks_hit AS local_blks_hit,
       s.local_blks_read AS local_blks_read,
       s.local_blks_dirtied AS local_blks_dirtied,
       s.local_blks_written AS local_blks_written,
       s.temp_blks_read AS temp_blks_read,
       s.temp_blks_written AS temp_blks_written,
       s.shared_blk_read_time AS shared_blk_read_time,
       s.shared_blk_write_time AS shared_blk_write_time,
       s.local_blk_read_time AS local_blk_read_time,
       s.local_blk_write_time AS local_blk_write_time,
       s.temp_blk_read_time AS temp_blk_read_time,
       s.temp_blk_write_time AS temp_blk_write_time,
       s.wal_records AS wal_records,
       s.wal_fpi AS wal_fpi,
       s.wal_bytes::int8 AS wal_bytes,
       s.wal_buffers_full AS wal_buffers_full,
       s.jit_functions AS jit_functions,
       s.jit_generation_time AS jit_generation_time,
       s.jit_inlining_count AS jit_inlining_count,
       s.jit_inlining_time AS jit_inlining_time,
       s.jit_optimization_count AS jit_optimization_count,
       s.jit_optimization_time AS jit_optimization_time,
       s.jit_emission_count AS jit_emission_count,
       s.jit_emission_time AS jit_emission_time,
       s.jit_deform_count AS jit_deform_count,
       s.jit_deform_time AS jit_deform_time,
       s.parallel_workers_to_launch AS parallel_workers_to_launch,
       s.parallel_workers_launched AS parallel_workers_launched,
       s.stats_since AS stats_since,
       s.minmax_stats_since AS minmax_stats_since
  FROM :schema.pg_stat_statements(false) s
  LEFT JOIN pg_roles r ON r.oid = s.userid
  LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE s.queryid IS NOT NULL
   AND (:without_user::oid IS NULL OR s.userid <> :without_user::oid)
