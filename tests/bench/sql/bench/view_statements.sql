-- summary: the statements that took the most time
-- kind: read
-- server: 15-18
-- column id integer null
-- column calls integer
-- column total_ms number
-- column rows integer
SELECT s.queryid AS id, s.calls, s.total_exec_time AS total_ms, s.rows
  FROM pg_stat_statements s
 ORDER BY s.total_exec_time DESC
 LIMIT 500
