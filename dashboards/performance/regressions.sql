-- query: performance.regressions
-- title: Statements that became slower
-- note: The last two hours against the 23 hours before them; statements with at least five executions in both.
-- chart: table
-- empty: None: nothing that ran in the last two hours is slower than before.
-- column: query cell code Statement
-- column: place cell name Branch
-- column: baseline_ms cell ms Before
-- column: recent_ms cell ms Now
-- column: ratio cell times Slower
-- column: verdict cell status Verdict
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
texts AS (SELECT t.queryid, min(t.query) AS query FROM query_texts t GROUP BY t.queryid),
halves AS (
    SELECT h.project_id, h.branch_id, h.queryid, min(h.query) AS query,
           sum(h.calls_delta) FILTER (WHERE h.snapshot_timestamp > u.moment - INTERVAL 2 HOURS) AS new_calls,
           sum(h.total_exec_time_delta) FILTER (WHERE h.snapshot_timestamp > u.moment - INTERVAL 2 HOURS) AS new_ms,
           sum(h.calls_delta) FILTER (WHERE h.snapshot_timestamp <= u.moment - INTERVAL 2 HOURS) AS old_calls,
           sum(h.total_exec_time_delta) FILTER (WHERE h.snapshot_timestamp <= u.moment - INTERVAL 2 HOURS) AS old_ms
      FROM pg_stat_history h
      JOIN upto u ON h.snapshot_timestamp > u.moment - INTERVAL 25 HOURS
     GROUP BY h.project_id, h.branch_id, h.queryid
),
means AS (
    SELECT x.project_id, x.branch_id, x.queryid, x.query, x.old_ms / x.old_calls AS baseline_ms,
           x.new_ms / x.new_calls AS recent_ms
      FROM halves x
     WHERE x.new_calls >= 5 AND x.old_calls >= 5 AND x.old_ms > 0
)
SELECT coalesce(m.query, t.query, CAST(m.queryid AS VARCHAR(20))) AS query, m.project_id || '/' || m.branch_id AS place,
       m.baseline_ms, m.recent_ms, m.recent_ms / m.baseline_ms AS ratio,
       CASE WHEN m.recent_ms > 2.0 * m.baseline_ms THEN 'regression' ELSE 'warning' END AS verdict
  FROM means m
  LEFT JOIN texts t ON t.queryid = m.queryid
 WHERE m.recent_ms > 1.5 * m.baseline_ms
 ORDER BY m.recent_ms / m.baseline_ms DESC, m.project_id, m.branch_id, m.queryid
 LIMIT 20
