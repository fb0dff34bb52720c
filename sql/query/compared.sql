-- summary: statements of a database that take longer a call of late than before, by what snapshots have added, those that took the most of late first
-- kind: history
-- note: what is quick by itself may take the most of all once it takes twice as long.
-- note: all_recent_ms is of all statements of that database, so of those as well that take no longer.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- param until timestamp
-- param least_calls integer
-- param least_recent_calls integer
-- param most integer
-- column queryid integer
-- column calls integer
-- column ms number
-- column recent_calls integer
-- column recent_ms number
-- column all_recent_ms number
SELECT s.queryid, s.calls, s.ms, s.recent_calls, s.recent_ms, s.all_recent_ms
  FROM (SELECT g.queryid,
               g.calls,
               g.ms,
               g.recent_calls,
               g.recent_ms,
               sum(g.recent_ms) OVER () AS all_recent_ms
          FROM (SELECT h.queryid,
                       CAST(sum(CASE WHEN h.snapshot_timestamp < :until THEN h.calls_delta ELSE 0 END) AS BIGINT) AS calls,
                       sum(CASE WHEN h.snapshot_timestamp < :until THEN h.total_exec_time_delta ELSE 0 END) AS ms,
                       CAST(sum(CASE WHEN h.snapshot_timestamp >= :until THEN h.calls_delta ELSE 0 END) AS BIGINT) AS recent_calls,
                       sum(CASE WHEN h.snapshot_timestamp >= :until THEN h.total_exec_time_delta ELSE 0 END) AS recent_ms
                  FROM pg_stat_history h
                 WHERE h.project_id = :project
                   AND h.branch_id = :branch
                   AND h.database_name = :database
                   AND h.toplevel
                   AND h.snapshot_timestamp >= :since
                   AND h.calls_delta > 0
                 GROUP BY h.queryid) g) s
 WHERE s.calls >= :least_calls
   AND s.recent_calls >= :least_recent_calls
   AND s.recent_ms * s.calls > s.ms * s.recent_calls
 ORDER BY s.recent_ms DESC, s.queryid
 LIMIT :most
