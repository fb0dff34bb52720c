-- summary: over which times the use of a branch's indexes was observed, and when each was first seen and last used
-- kind: history
-- note: a row without a name is an epoch: counters ran from counted_since (seconds since 1970) and were last read then.
-- param project text
-- param branch text
-- param since timestamp
-- column object_name text null
-- column counted_since number null
-- column first_seen timestamp
-- column last_seen timestamp
-- column last_used timestamp null
SELECT m.object_name,
       CASE WHEN m.object_name IS NULL THEN m.metric_value END AS counted_since,
       min(m.snapshot_timestamp) AS first_seen,
       max(m.snapshot_timestamp) AS last_seen,
       max(CASE WHEN m.metric_name = 'index_scans' AND m.metric_value > 0 THEN m.snapshot_timestamp END) AS last_used
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND m.metric_name IN ('index_observation', 'index_scans')
   AND m.snapshot_timestamp >= :since
 GROUP BY m.object_name, CASE WHEN m.object_name IS NULL THEN m.metric_value END
