-- query: overview.failures
-- title: Runs that failed
-- chart: table
-- window: 7 days
-- empty: None failed.
-- column: tool cell name Tool
-- column: error_code cell name Error
-- column: runs cell count Runs
-- column: branches cell count Branches
-- column: last_at cell time Last
-- column: message cell text The last one said
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT r.tool, coalesce(r.error_code, r.status) AS error_code, count(*) AS runs,
       count(DISTINCT r.project_id || '/' || r.branch_id) AS branches, max(r.started_at) AS last_at,
       max_by(r.error_message, r.started_at) AS message
  FROM tool_runs r
  JOIN upto u ON r.started_at > u.moment - INTERVAL 7 DAYS
 WHERE r.status IN ('failed', 'timeout', 'crashed')
 GROUP BY r.tool, coalesce(r.error_code, r.status)
 ORDER BY count(*) DESC, r.tool, error_code
 LIMIT 20
