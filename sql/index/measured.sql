-- summary: how long a statement of a database took on a branch: what each snapshot, or hour of snapshots, has added, the newest first
-- kind: history
-- param project text
-- param branch text
-- param database text
-- param query_id integer
-- param since timestamp
-- column taken_at timestamp
-- column is_hour boolean
-- column seconds number null
-- column calls integer
-- column total_ms number
SELECT h.snapshot_timestamp AS taken_at,
       h.granularity = 'hour' AS is_hour,
       max(h.interval_seconds) AS seconds,
       CAST(sum(h.calls_delta) AS BIGINT) AS calls,
       sum(h.total_exec_time_delta) AS total_ms
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.database_name = :database
   AND h.queryid = :query_id
   AND h.snapshot_timestamp >= :since
   AND h.calls_delta > 0
 GROUP BY h.snapshot_timestamp, h.granularity
 ORDER BY taken_at DESC
 LIMIT 5000
