-- summary: the last reading of how often the server dropped statements to make room, and when it was
-- kind: history
-- param project text
-- param branch text
-- param metric text
-- param since timestamp
-- column read_at timestamp null
-- column evictions number null
SELECT max(m.snapshot_timestamp) AS read_at, max_by(m.metric_value, m.snapshot_timestamp) AS evictions
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND m.metric_name = :metric
   AND m.snapshot_timestamp >= :since
