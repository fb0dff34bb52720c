-- summary: by how much counters of a branch grew since a moment, and how high its figures were
-- kind: history
-- note: a counter that has fallen began again, and by how much it grew until then nobody knows: that is left out.
-- param project text
-- param branch text
-- param metrics text[]
-- param since timestamp
-- column metric_name text
-- column first_at timestamp
-- column last_at timestamp
-- column grown number
-- column highest number
SELECT s.metric_name,
       min(s.snapshot_timestamp) AS first_at,
       max(s.snapshot_timestamp) AS last_at,
       sum(CASE WHEN s.metric_value > s.earlier THEN s.metric_value - s.earlier ELSE 0 END) AS grown,
       max(s.metric_value) AS highest
  FROM (SELECT m.metric_name,
               m.snapshot_timestamp,
               m.metric_value,
               lag(m.metric_value) OVER (PARTITION BY m.metric_name ORDER BY m.snapshot_timestamp) AS earlier
          FROM lakebase_metrics m
         WHERE m.project_id = :project
           AND m.branch_id = :branch
           AND m.metric_name IN (:metrics)
           AND m.object_name IS NULL
           AND m.snapshot_timestamp >= :since) s
 GROUP BY s.metric_name
