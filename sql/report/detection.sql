-- summary: alerts on a metric: the last reading before each that was in order, and when it was told
-- kind: history
-- param since timestamp
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT max(m.snapshot_timestamp) AS began_at, a.at AS ended_at
  FROM alert_history a
  JOIN lakebase_metrics m ON m.project_id = a.project_id
                         AND m.branch_id = a.branch_id
                         AND m.metric_name = a.metric_name
                         AND m.threshold_level = 'normal'
                         AND m.snapshot_timestamp < a.at
 WHERE a.state = 'fired'
   AND a.at >= :since
 GROUP BY a.alert_id, a.at
