-- summary: by how much counters of a branch grew since a moment of each kind, and how high its figures were
-- kind: history
-- note: a counter that has fallen, or whose epoch is another, began again, and by how much it grew until then nobody knows:
-- note: that is left out.
-- param project text
-- param branch text
-- param spills text[]
-- param spills_since timestamp
-- param checkpoints text[]
-- param checkpoints_since timestamp
-- column metric_name text
-- column first_at timestamp
-- column last_at timestamp
-- column grown number
-- column highest number
SELECT s.metric_name,
       min(s.snapshot_timestamp) AS first_at,
       max(s.snapshot_timestamp) AS last_at,
       sum(CASE WHEN s.epoch <> s.earlier_epoch THEN 0
                WHEN s.metric_value > s.earlier THEN s.metric_value - s.earlier
                ELSE 0
            END) AS grown,
       max(s.metric_value) AS highest
  FROM (SELECT m.metric_name,
               m.snapshot_timestamp,
               m.metric_value,
               m.epoch,
               lag(m.metric_value) OVER (PARTITION BY m.metric_name ORDER BY m.snapshot_timestamp) AS earlier,
               lag(m.epoch) OVER (PARTITION BY m.metric_name ORDER BY m.snapshot_timestamp) AS earlier_epoch
          FROM lakebase_metrics m
         WHERE m.project_id = :project
           AND m.branch_id = :branch
           AND ((m.metric_name IN (:spills) AND m.snapshot_timestamp >= :spills_since)
                OR (m.metric_name IN (:checkpoints) AND m.snapshot_timestamp >= :checkpoints_since))
           AND m.object_name IS NULL) s
 GROUP BY s.metric_name
