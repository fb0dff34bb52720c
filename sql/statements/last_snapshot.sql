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
-- column rows_seen integer null
-- column shared_hit integer null
-- column shared_read integer null
-- column temp_read integer null
-- column temp_written integer null
-- column wal_bytes integer null
-- column exec_ms number null
-- column stats_since timestamp null
-- column has_text boolean
SELECT m.taken_at, m.dealloc, h.userid, h.dbid, h.toplevel, h.queryid, h.calls, h.plans, h.rows_seen, h.shared_hit,
       h.shared_read, h.temp_read, h.temp_written, h.wal_bytes, h.exec_ms, h.stats_since, t.queryid IS NOT NULL AS has_text
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
                    max_by(s.rows, s.snapshot_timestamp) AS rows_seen,
                    max_by(s.shared_blks_hit, s.snapshot_timestamp) AS shared_hit,
                    max_by(s.shared_blks_read, s.snapshot_timestamp) AS shared_read,
                    max_by(s.temp_blks_read, s.snapshot_timestamp) AS temp_read,
                    max_by(s.temp_blks_written, s.snapshot_timestamp) AS temp_written,
                    max_by(s.wal_bytes, s.snapshot_timestamp) AS wal_bytes,
                    max_by(s.total_exec_time, s.snapshot_timestamp) AS exec_ms,
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
