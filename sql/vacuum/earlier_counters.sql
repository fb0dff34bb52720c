-- summary: the two counters as they stood at the first reading since a moment
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- column metric_name text
-- column read_at timestamp
-- column metric_value number
SELECT k.metric_name, min(k.snapshot_timestamp) AS read_at, min_by(k.metric_value, k.snapshot_timestamp) AS metric_value
  FROM lakebase_metrics k
 WHERE k.project_id = :project
   AND k.branch_id = :branch
   AND k.metric_name IN ('next_xid', 'next_mxid')
   AND k.snapshot_timestamp >= :since
 GROUP BY k.metric_name
