-- query: performance.slowest
-- title: Statements that take the most time
-- note: What was added between snapshots, never counters of all time.
-- chart: table
-- window: 1 days
-- empty: No statements yet: run `lbops run persist_pg_stat_statements` twice, with work between.
-- column: query cell code Statement
-- column: place cell name Branch
-- column: calls cell count Calls
-- column: mean_ms cell ms Mean
-- column: total_ms cell ms Total
-- column: result_rows cell count Rows
-- column: bytes_read cell bytes Read
-- column: last_seen cell time Last seen
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
texts AS (SELECT t.queryid, min(t.query) AS query FROM query_texts t GROUP BY t.queryid),
added AS (
    SELECT h.project_id, h.branch_id, h.queryid, min(h.query) AS query, sum(h.calls_delta) AS calls,
           sum(h.total_exec_time_delta) AS total_ms, sum(h.rows_delta) AS result_rows,
           sum(h.shared_blks_read_delta) AS blocks, max(h.snapshot_timestamp) AS last_seen
      FROM pg_stat_history h
      JOIN upto u ON h.snapshot_timestamp > u.moment - INTERVAL 1 DAYS
     GROUP BY h.project_id, h.branch_id, h.queryid
)
SELECT coalesce(a.query, t.query, CAST(a.queryid AS VARCHAR(20))) AS query, a.project_id || '/' || a.branch_id AS place,
       CAST(a.calls AS BIGINT) AS calls, a.total_ms / a.calls AS mean_ms, a.total_ms,
       CAST(a.result_rows AS BIGINT) AS result_rows, CAST(a.blocks AS BIGINT) * 8192 AS bytes_read, a.last_seen
  FROM added a
  LEFT JOIN texts t ON t.queryid = a.queryid
 WHERE a.calls > 0
 ORDER BY a.total_ms DESC, a.project_id, a.branch_id, a.queryid
 LIMIT 10
