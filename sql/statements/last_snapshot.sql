-- summary: the last snapshot of an epoch: when it was, how far each statement had come, and whether its text is known
-- kind: history
-- note: a statement is stored when it moves, so its latest row is how it stands. There is always one row at least: with
-- note: no statement, it says when the last snapshot was, if there was one. Most counters of most statements are 0, so
-- note: that is what null stands for here, which costs nothing to hand on; -1: the server does not count that.
-- param project text
-- param branch text
-- param system_identifier integer
-- param postmaster_start timestamp
-- param stats_reset timestamp
-- param server_version integer
-- param since timestamp
-- param metric text
-- column taken_at timestamp null
-- column dealloc number null
-- column userid integer null
-- column dbid integer null
-- column toplevel boolean null
-- column queryid integer null
-- column calls integer null
-- column plans integer null
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
-- column wal_records integer null
-- column wal_fpi integer null
-- column wal_bytes integer null
-- column wal_buffers_full integer null
-- column jit_functions integer null
-- column jit_inlining_count integer null
-- column jit_optimization_count integer null
-- column jit_emission_count integer null
-- column jit_deform_count integer null
-- column parallel_workers_to_launch integer null
-- column parallel_workers_launched integer null
-- column total_exec_time number null
-- column total_plan_time number null
-- column shared_blk_read_time number null
-- column shared_blk_write_time number null
-- column local_blk_read_time number null
-- column local_blk_write_time number null
-- column temp_blk_read_time number null
-- column temp_blk_write_time number null
-- column jit_generation_time number null
-- column jit_inlining_time number null
-- column jit_optimization_time number null
-- column jit_emission_time number null
-- column jit_deform_time number null
-- column stats_since timestamp null
-- column has_text boolean
SELECT m.taken_at, m.dealloc, h.userid, h.dbid, h.toplevel, h.queryid,
       NULLIF(COALESCE(h.calls, -1), 0) AS calls,
       NULLIF(COALESCE(h.plans, -1), 0) AS plans,
       NULLIF(COALESCE(h.rows, -1), 0) AS rows,
       NULLIF(COALESCE(h.shared_blks_hit, -1), 0) AS shared_blks_hit,
       NULLIF(COALESCE(h.shared_blks_read, -1), 0) AS shared_blks_read,
       NULLIF(COALESCE(h.shared_blks_dirtied, -1), 0) AS shared_blks_dirtied,
       NULLIF(COALESCE(h.shared_blks_written, -1), 0) AS shared_blks_written,
       NULLIF(COALESCE(h.local_blks_hit, -1), 0) AS local_blks_hit,
       NULLIF(COALESCE(h.local_blks_read, -1), 0) AS local_blks_read,
       NULLIF(COALESCE(h.local_blks_dirtied, -1), 0) AS local_blks_dirtied,
       NULLIF(COALESCE(h.local_blks_written, -1), 0) AS local_blks_written,
       NULLIF(COALESCE(h.temp_blks_read, -1), 0) AS temp_blks_read,
       NULLIF(COALESCE(h.temp_blks_written, -1), 0) AS temp_blks_written,
       NULLIF(COALESCE(h.wal_records, -1), 0) AS wal_records,
       NULLIF(COALESCE(h.wal_fpi, -1), 0) AS wal_fpi,
       NULLIF(COALESCE(h.wal_bytes, -1), 0) AS wal_bytes,
       NULLIF(COALESCE(h.wal_buffers_full, -1), 0) AS wal_buffers_full,
       NULLIF(COALESCE(h.jit_functions, -1), 0) AS jit_functions,
       NULLIF(COALESCE(h.jit_inlining_count, -1), 0) AS jit_inlining_count,
       NULLIF(COALESCE(h.jit_optimization_count, -1), 0) AS jit_optimization_count,
       NULLIF(COALESCE(h.jit_emission_count, -1), 0) AS jit_emission_count,
       NULLIF(COALESCE(h.jit_deform_count, -1), 0) AS jit_deform_count,
       NULLIF(COALESCE(h.parallel_workers_to_launch, -1), 0) AS parallel_workers_to_launch,
       NULLIF(COALESCE(h.parallel_workers_launched, -1), 0) AS parallel_workers_launched,
       NULLIF(COALESCE(h.total_exec_time, -1), 0) AS total_exec_time,
       NULLIF(COALESCE(h.total_plan_time, -1), 0) AS total_plan_time,
       NULLIF(COALESCE(h.shared_blk_read_time, -1), 0) AS shared_blk_read_time,
       NULLIF(COALESCE(h.shared_blk_write_time, -1), 0) AS shared_blk_write_time,
       NULLIF(COALESCE(h.local_blk_read_time, -1), 0) AS local_blk_read_time,
       NULLIF(COALESCE(h.local_blk_write_time, -1), 0) AS local_blk_write_time,
       NULLIF(COALESCE(h.temp_blk_read_time, -1), 0) AS temp_blk_read_time,
       NULLIF(COALESCE(h.temp_blk_write_time, -1), 0) AS temp_blk_write_time,
       NULLIF(COALESCE(h.jit_generation_time, -1), 0) AS jit_generation_time,
       NULLIF(COALESCE(h.jit_inlining_time, -1), 0) AS jit_inlining_time,
       NULLIF(COALESCE(h.jit_optimization_time, -1), 0) AS jit_optimization_time,
       NULLIF(COALESCE(h.jit_emission_time, -1), 0) AS jit_emission_time,
       NULLIF(COALESCE(h.jit_deform_time, -1), 0) AS jit_deform_time,
       h.stats_since, t.queryid IS NOT NULL AS has_text
  FROM (SELECT max(k.snapshot_timestamp) AS taken_at, max_by(k.metric_value, k.snapshot_timestamp) AS dealloc
          FROM lakebase_metrics k
         WHERE k.project_id = :project
           AND k.branch_id = :branch
           AND k.metric_name = :metric
           AND k.snapshot_timestamp >= :since
           AND k.snapshot_timestamp >= :postmaster_start
           AND k.snapshot_timestamp >= :stats_reset) m
  LEFT JOIN (SELECT s.userid, s.dbid, s.toplevel, s.queryid, s.calls, s.plans, s.rows, s.shared_blks_hit,
                    s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written, s.local_blks_hit,
                    s.local_blks_read, s.local_blks_dirtied, s.local_blks_written, s.temp_blks_read,
                    s.temp_blks_written, s.wal_records, s.wal_fpi, s.wal_bytes, s.wal_buffers_full, s.jit_functions,
                    s.jit_inlining_count, s.jit_optimization_count, s.jit_emission_count, s.jit_deform_count,
                    s.parallel_workers_to_launch, s.parallel_workers_launched, s.total_exec_time, s.total_plan_time,
                    s.shared_blk_read_time, s.shared_blk_write_time, s.local_blk_read_time, s.local_blk_write_time,
                    s.temp_blk_read_time, s.temp_blk_write_time, s.jit_generation_time, s.jit_inlining_time,
                    s.jit_optimization_time, s.jit_emission_time, s.jit_deform_time, s.stats_since,
                    ROW_NUMBER() OVER (PARTITION BY s.userid, s.dbid, s.toplevel, s.queryid
                                           ORDER BY s.snapshot_timestamp DESC) AS place
               FROM pg_stat_history s
              WHERE s.project_id = :project
                AND s.branch_id = :branch
                AND s.system_identifier = :system_identifier
                AND s.postmaster_start = :postmaster_start
                AND s.stats_reset = :stats_reset
                AND s.snapshot_timestamp >= :since
                AND s.snapshot_timestamp >= :postmaster_start
                AND s.snapshot_timestamp >= :stats_reset) h ON h.place = 1 AND m.taken_at IS NOT NULL
  LEFT JOIN (SELECT DISTINCT q.queryid, q.dbid
               FROM query_texts q
              WHERE q.project_id = :project
                AND q.branch_id = :branch
                AND q.server_version = :server_version) t ON t.queryid = h.queryid AND t.dbid = h.dbid
