-- summary: the last snapshot of an epoch: when it was, how far each statement had come, and whether its text is known
-- kind: history
-- note: a statement is stored when it moves, so its latest row is how it stands. There is always one row at least: with
-- note: no statement, it says when the last snapshot was, if there was one.
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
SELECT m.taken_at, m.dealloc, h.userid, h.dbid, h.toplevel, h.queryid, h.calls, h.plans, h.rows, h.shared_blks_hit,
       h.shared_blks_read, h.shared_blks_dirtied, h.shared_blks_written, h.local_blks_hit, h.local_blks_read,
       h.local_blks_dirtied, h.local_blks_written, h.temp_blks_read, h.temp_blks_written, h.wal_records, h.wal_fpi,
       h.wal_bytes, h.wal_buffers_full, h.jit_functions, h.jit_inlining_count, h.jit_optimization_count,
       h.jit_emission_count, h.jit_deform_count, h.parallel_workers_to_launch, h.parallel_workers_launched,
       h.total_exec_time, h.total_plan_time, h.shared_blk_read_time, h.shared_blk_write_time, h.local_blk_read_time,
       h.local_blk_write_time, h.temp_blk_read_time, h.temp_blk_write_time, h.jit_generation_time,
       h.jit_inlining_time, h.jit_optimization_time, h.jit_emission_time, h.jit_deform_time, h.stats_since,
       t.queryid IS NOT NULL AS has_text
  FROM (SELECT max(k.snapshot_timestamp) AS taken_at, max_by(k.metric_value, k.snapshot_timestamp) AS dealloc
          FROM lakebase_metrics k
         WHERE k.project_id = :project
           AND k.branch_id = :branch
           AND k.metric_name = :metric
           AND k.snapshot_timestamp >= :since
           AND k.snapshot_timestamp >= :postmaster_start
           AND k.snapshot_timestamp >= :stats_reset) m
  LEFT JOIN (SELECT s.userid, s.dbid, s.toplevel, s.queryid,
                    max_by(s.calls, s.snapshot_timestamp) AS calls,
                    max_by(s.plans, s.snapshot_timestamp) AS plans,
                    max_by(s.rows, s.snapshot_timestamp) AS rows,
                    max_by(s.shared_blks_hit, s.snapshot_timestamp) AS shared_blks_hit,
                    max_by(s.shared_blks_read, s.snapshot_timestamp) AS shared_blks_read,
                    max_by(s.shared_blks_dirtied, s.snapshot_timestamp) AS shared_blks_dirtied,
                    max_by(s.shared_blks_written, s.snapshot_timestamp) AS shared_blks_written,
                    max_by(s.local_blks_hit, s.snapshot_timestamp) AS local_blks_hit,
                    max_by(s.local_blks_read, s.snapshot_timestamp) AS local_blks_read,
                    max_by(s.local_blks_dirtied, s.snapshot_timestamp) AS local_blks_dirtied,
                    max_by(s.local_blks_written, s.snapshot_timestamp) AS local_blks_written,
                    max_by(s.temp_blks_read, s.snapshot_timestamp) AS temp_blks_read,
                    max_by(s.temp_blks_written, s.snapshot_timestamp) AS temp_blks_written,
                    max_by(s.wal_records, s.snapshot_timestamp) AS wal_records,
                    max_by(s.wal_fpi, s.snapshot_timestamp) AS wal_fpi,
                    max_by(s.wal_bytes, s.snapshot_timestamp) AS wal_bytes,
                    max_by(s.wal_buffers_full, s.snapshot_timestamp) AS wal_buffers_full,
                    max_by(s.jit_functions, s.snapshot_timestamp) AS jit_functions,
                    max_by(s.jit_inlining_count, s.snapshot_timestamp) AS jit_inlining_count,
                    max_by(s.jit_optimization_count, s.snapshot_timestamp) AS jit_optimization_count,
                    max_by(s.jit_emission_count, s.snapshot_timestamp) AS jit_emission_count,
                    max_by(s.jit_deform_count, s.snapshot_timestamp) AS jit_deform_count,
                    max_by(s.parallel_workers_to_launch, s.snapshot_timestamp) AS parallel_workers_to_launch,
                    max_by(s.parallel_workers_launched, s.snapshot_timestamp) AS parallel_workers_launched,
                    max_by(s.total_exec_time, s.snapshot_timestamp) AS total_exec_time,
                    max_by(s.total_plan_time, s.snapshot_timestamp) AS total_plan_time,
                    max_by(s.shared_blk_read_time, s.snapshot_timestamp) AS shared_blk_read_time,
                    max_by(s.shared_blk_write_time, s.snapshot_timestamp) AS shared_blk_write_time,
                    max_by(s.local_blk_read_time, s.snapshot_timestamp) AS local_blk_read_time,
                    max_by(s.local_blk_write_time, s.snapshot_timestamp) AS local_blk_write_time,
                    max_by(s.temp_blk_read_time, s.snapshot_timestamp) AS temp_blk_read_time,
                    max_by(s.temp_blk_write_time, s.snapshot_timestamp) AS temp_blk_write_time,
                    max_by(s.jit_generation_time, s.snapshot_timestamp) AS jit_generation_time,
                    max_by(s.jit_inlining_time, s.snapshot_timestamp) AS jit_inlining_time,
                    max_by(s.jit_optimization_time, s.snapshot_timestamp) AS jit_optimization_time,
                    max_by(s.jit_emission_time, s.snapshot_timestamp) AS jit_emission_time,
                    max_by(s.jit_deform_time, s.snapshot_timestamp) AS jit_deform_time,
                    max_by(s.stats_since, s.snapshot_timestamp) AS stats_since
               FROM pg_stat_history s
              WHERE s.project_id = :project
                AND s.branch_id = :branch
                AND s.system_identifier = :system_identifier
                AND s.postmaster_start = :postmaster_start
                AND s.stats_reset = :stats_reset
                AND s.snapshot_timestamp >= :since
                AND s.snapshot_timestamp >= :postmaster_start
                AND s.snapshot_timestamp >= :stats_reset
              GROUP BY s.userid, s.dbid, s.toplevel, s.queryid) h ON m.taken_at IS NOT NULL
  LEFT JOIN (SELECT DISTINCT q.queryid, q.dbid
               FROM query_texts q
              WHERE q.project_id = :project
                AND q.branch_id = :branch
                AND q.server_version = :server_version) t ON t.queryid = h.queryid AND t.dbid = h.dbid
