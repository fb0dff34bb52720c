-- summary: where keys of a database stood at their first reading since a moment, and when the last one was
-- kind: history
-- note: rows from before the databases of a branch were told apart name none: they may be of any.
-- param project text
-- param branch text
-- param database text
-- param metric text
-- param since timestamp
-- column object_name text
-- column first_at timestamp
-- column first_value number
-- column last_at timestamp
SELECT m.object_name,
       min(m.snapshot_timestamp) AS first_at,
       min_by(m.metric_value, m.snapshot_timestamp) AS first_value,
       max(m.snapshot_timestamp) AS last_at
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND (m.database_name IS NULL OR m.database_name = :database)
   AND m.metric_name = :metric
   AND m.object_name IS NOT NULL
   AND m.snapshot_timestamp >= :since
 GROUP BY m.object_name
