-- summary: how long statements of a database took of late, by what snapshots have added, those that took the most first
-- kind: history
-- note: what a server has counted in months hides what became slow today.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- param most integer
-- column queryid integer
-- column calls integer
-- column ms number
SELECT h.queryid,
       CAST(sum(h.calls_delta) AS BIGINT) AS calls,
       sum(h.total_exec_time_delta) AS ms
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.database_name = :database
   AND h.toplevel
   AND h.snapshot_timestamp >= :since
   AND h.calls_delta > 0
 GROUP BY h.queryid
 ORDER BY ms DESC, h.queryid
 LIMIT :most
