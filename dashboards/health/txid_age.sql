-- query: health.txid_age
-- title: Age of the oldest transaction ID
-- note: The highest reading of each hour; above 500 million is a warning, at 2 billion writing ends.
-- chart: line
-- window: 1 days
-- empty: Nothing measured yet: `lbops run evaluate_alert_thresholds` reads it.
-- column: at_hour x time Hour
-- column: place series text Branch
-- column: worst y xids Worst
-- column: mean cell xids Mean
-- column: best cell xids Best
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT date_trunc('hour', m.snapshot_timestamp) AS at_hour, m.project_id || '/' || m.branch_id AS place,
       max(m.metric_value) AS worst, avg(m.metric_value) AS mean,
       min(m.metric_value) AS best
  FROM lakebase_metrics m
  JOIN upto u ON m.snapshot_timestamp > u.moment - INTERVAL 1 DAYS
 WHERE m.metric_name = 'txid_age'
 GROUP BY date_trunc('hour', m.snapshot_timestamp), m.project_id || '/' || m.branch_id
 ORDER BY at_hour, place
