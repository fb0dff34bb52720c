-- summary: how long statements took on average before, of a branch, by what snapshots have added
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- param until timestamp
-- param query_ids integer[]
-- column queryid integer
-- column calls integer
-- column mean_ms number
SELECT h.queryid,
       CAST(sum(h.calls_delta) AS BIGINT) AS calls,
       sum(h.total_exec_time_delta) / sum(h.calls_delta) AS mean_ms
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.snapshot_timestamp >= :since
   AND h.snapshot_timestamp < :until
   AND h.queryid IN (:query_ids)
   AND h.calls_delta > 0
 GROUP BY h.queryid
