-- query: health.current
-- set: Health
-- title: Alert figures
-- note: The latest reading within a day of the eight figures that alerts watch, and of whatever else is past its limit; the worst first.
-- chart: table
-- empty: Nothing measured yet: run `lbops run monitor_system_health` and `lbops run evaluate_alert_thresholds`.
-- column: threshold_level cell status Level
-- column: place cell name Branch
-- column: metric_name cell name Figure
-- column: metric_value cell by:unit Value
-- column: unit cell hidden Unit
-- column: object_name cell text Object
-- column: snapshot_timestamp cell time Measured
WITH upto AS (SELECT max(m.snapshot_timestamp) AS moment FROM lakebase_metrics m),
latest AS (
    SELECT m.project_id, m.branch_id, m.metric_name, m.metric_value, m.unit, m.object_name, m.threshold_level,
           m.snapshot_timestamp,
           row_number() OVER (PARTITION BY m.project_id, m.branch_id, m.metric_name
                              ORDER BY m.snapshot_timestamp DESC,
                                       CASE m.threshold_level WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,
                                       m.metric_value DESC) AS step
      FROM lakebase_metrics m
      JOIN upto u ON m.snapshot_timestamp > u.moment - INTERVAL 24 HOURS
)
SELECT coalesce(l.threshold_level, 'normal') AS threshold_level, l.project_id || '/' || l.branch_id AS place,
       l.metric_name, l.metric_value, l.unit, l.object_name, l.snapshot_timestamp
  FROM latest l
 WHERE l.step = 1
   AND (l.threshold_level IN ('warning', 'critical')
        OR l.metric_name IN ('cache_hit_ratio', 'connection_utilization', 'dead_tuple_ratio', 'lock_wait_time',
                             'deadlocks_per_hour', 'slow_query_time', 'txid_age', 'replication_lag'))
 ORDER BY CASE l.threshold_level WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, l.project_id, l.branch_id,
          l.metric_name
 LIMIT 100
