-- query: compare.branches
-- set: Branches compared
-- title: Branches side by side
-- chart: table
-- window: 1 days
-- empty: Nothing to compare yet: `lbops cycle` looks at every branch.
-- column: project_id cell name Project
-- column: branch_id cell name Branch
-- column: calls cell count Statements
-- column: mean_ms cell ms Mean
-- column: cache_hit cell ratio Cache hits
-- column: connections cell ratio Connections
-- column: dead_tuples cell ratio Dead rows
-- column: size_bytes cell bytes Size
-- column: findings cell count Findings
-- column: changes cell count Changes
-- column: failed_runs cell count Failed runs
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
runs AS (
    SELECT r.project_id, r.branch_id, CAST(sum(r.findings) AS BIGINT) AS findings, CAST(sum(r.changes) AS BIGINT) AS changes,
           count(*) FILTER (WHERE r.status IN ('failed', 'timeout', 'crashed')) AS failed_runs
      FROM tool_runs r
      JOIN upto u ON r.started_at > u.moment - INTERVAL 1 DAYS
     WHERE r.branch_id IS NOT NULL
     GROUP BY r.project_id, r.branch_id
),
statements AS (
    SELECT h.project_id, h.branch_id, CAST(sum(h.calls_delta) AS BIGINT) AS calls,
           sum(h.total_exec_time_delta) / nullif(sum(h.calls_delta), 0) AS mean_ms
      FROM pg_stat_history h
      JOIN upto u ON h.snapshot_timestamp > u.moment - INTERVAL 1 DAYS
     GROUP BY h.project_id, h.branch_id
),
ranked AS (
    SELECT m.project_id, m.branch_id, m.metric_name, m.metric_value,
           row_number() OVER (PARTITION BY m.project_id, m.branch_id, m.metric_name
                              ORDER BY m.snapshot_timestamp DESC, m.metric_value DESC) AS step
      FROM lakebase_metrics m
      JOIN upto u ON m.snapshot_timestamp > u.moment - INTERVAL 1 DAYS
     WHERE m.metric_name IN ('cache_hit_ratio', 'connection_utilization', 'dead_tuple_ratio', 'database_size_bytes')
),
figures AS (
    SELECT k.project_id, k.branch_id,
           max(CASE WHEN k.metric_name = 'cache_hit_ratio' THEN k.metric_value END) AS cache_hit,
           max(CASE WHEN k.metric_name = 'connection_utilization' THEN k.metric_value END) AS connections,
           max(CASE WHEN k.metric_name = 'dead_tuple_ratio' THEN k.metric_value END) AS dead_tuples,
           max(CASE WHEN k.metric_name = 'database_size_bytes' THEN k.metric_value END) AS size_bytes
      FROM ranked k
     WHERE k.step = 1
     GROUP BY k.project_id, k.branch_id
)
SELECT r.project_id, r.branch_id, s.calls, s.mean_ms, f.cache_hit, f.connections, f.dead_tuples,
       CAST(f.size_bytes AS BIGINT) AS size_bytes, r.findings, r.changes, r.failed_runs
  FROM runs r
  LEFT JOIN statements s ON s.project_id = r.project_id AND s.branch_id = r.branch_id
  LEFT JOIN figures f ON f.project_id = r.project_id AND f.branch_id = r.branch_id
 ORDER BY r.project_id, r.branch_id
 LIMIT 200
