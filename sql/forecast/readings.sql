-- summary: what metrics of a branch read day by day, and some of them hour by hour
-- kind: history
-- param project text
-- param branch text
-- param metrics text[]
-- param hourly text[]
-- param since timestamp
-- column metric_name text
-- column object_name text null
-- column span timestamp
-- column readings integer
-- column first_at timestamp
-- column last_at timestamp
-- column first_value number
-- column last_value number
-- column highest number
SELECT m.metric_name,
       m.object_name,
       CASE WHEN m.metric_name IN (:hourly) THEN date_trunc('hour', m.snapshot_timestamp)
            ELSE date_trunc('day', m.snapshot_timestamp) END AS span,
       count(*) AS readings,
       min(m.snapshot_timestamp) AS first_at,
       max(m.snapshot_timestamp) AS last_at,
       min_by(m.metric_value, m.snapshot_timestamp) AS first_value,
       max_by(m.metric_value, m.snapshot_timestamp) AS last_value,
       max(m.metric_value) AS highest
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND m.metric_name IN (:metrics)
   AND m.snapshot_timestamp >= :since
 GROUP BY m.metric_name,
          m.object_name,
          CASE WHEN m.metric_name IN (:hourly) THEN date_trunc('hour', m.snapshot_timestamp)
               ELSE date_trunc('day', m.snapshot_timestamp) END
 ORDER BY m.metric_name, span, m.object_name NULLS FIRST
