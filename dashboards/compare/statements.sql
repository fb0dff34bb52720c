-- query: compare.statements
-- title: The same statement, slower on another branch
-- note: Statements with at least five executions on two branches of a project, whose means differ by half or more.
-- chart: table
-- window: 7 days
-- empty: None: no statement that ran on two branches differs.
-- column: query cell code Statement
-- column: project_id cell name Project
-- column: fast_branch cell name Fast on
-- column: fast_ms cell ms Mean
-- column: slow_branch cell name Slow on
-- column: slow_ms cell ms Mean
-- column: ratio cell times Slower
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
texts AS (SELECT t.queryid, min(t.query) AS query FROM query_texts t GROUP BY t.queryid),
means AS (
    SELECT h.project_id, h.branch_id, h.queryid, min(h.query) AS query,
           sum(h.total_exec_time_delta) / sum(h.calls_delta) AS mean_ms
      FROM pg_stat_history h
      JOIN upto u ON h.snapshot_timestamp > u.moment - INTERVAL 7 DAYS
     GROUP BY h.project_id, h.branch_id, h.queryid
    HAVING sum(h.calls_delta) >= 5
),
pairs AS (
    SELECT m.project_id, m.queryid, min(m.query) AS query, min_by(m.branch_id, m.mean_ms) AS fast_branch,
           min(m.mean_ms) AS fast_ms, max_by(m.branch_id, m.mean_ms) AS slow_branch, max(m.mean_ms) AS slow_ms
      FROM means m
     GROUP BY m.project_id, m.queryid
    HAVING count(*) > 1
)
SELECT coalesce(p.query, t.query, CAST(p.queryid AS VARCHAR(20))) AS query, p.project_id, p.fast_branch, p.fast_ms,
       p.slow_branch, p.slow_ms, p.slow_ms / p.fast_ms AS ratio
  FROM pairs p
  LEFT JOIN texts t ON t.queryid = p.queryid
 WHERE p.fast_ms > 0 AND p.slow_ms >= 1.5 * p.fast_ms
 ORDER BY p.slow_ms / p.fast_ms DESC, p.project_id, p.queryid
 LIMIT 20
