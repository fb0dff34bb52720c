-- query: health.cache_hit
-- title: Cache hits
-- note: The worst reading of each hour; below 99 % is a warning.
-- chart: line
-- window: 1 days
-- empty: Nothing measured yet: the first minutes of a server say nothing, and then `lbops run monitor_system_health` reads it.
-- column: at_hour x time Hour
-- column: place series text Branch
-- column: worst y ratio Worst
-- column: mean cell ratio Mean
-- column: best cell ratio Best
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT date_trunc('hour', m.snapshot_timestamp) AS at_hour, m.project_id || '/' || m.branch_id AS place,
       min(m.metric_value) AS worst, avg(m.metric_value) AS mean,
       max(m.metric_value) AS best
  FROM lakebase_metrics m
  JOIN upto u ON m.snapshot_timestamp > u.moment - INTERVAL 1 DAYS
 WHERE m.metric_name = 'cache_hit_ratio'
 GROUP BY date_trunc('hour', m.snapshot_timestamp), m.project_id || '/' || m.branch_id
 ORDER BY at_hour, place
