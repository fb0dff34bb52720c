-- query: performance.load
-- set: Statements
-- title: Time that statements took
-- note: Seconds of execution in each hour.
-- chart: line
-- window: 7 days
-- empty: No statements yet: run `lbops run persist_pg_stat_statements` twice, with work between.
-- column: at_hour x time Hour
-- column: place series text Branch
-- column: seconds y s Execution
-- column: calls cell count Calls
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT date_trunc('hour', h.snapshot_timestamp) AS at_hour, h.project_id || '/' || h.branch_id AS place,
       sum(h.total_exec_time_delta) / 1000 AS seconds, CAST(sum(h.calls_delta) AS BIGINT) AS calls
  FROM pg_stat_history h
  JOIN upto u ON h.snapshot_timestamp > u.moment - INTERVAL 7 DAYS
 WHERE h.total_exec_time_delta IS NOT NULL
 GROUP BY date_trunc('hour', h.snapshot_timestamp), h.project_id || '/' || h.branch_id
 ORDER BY at_hour, place
