-- summary: by how much tables' counters grew since a moment, as looks at them have noted it
-- kind: history
-- note: a counter that has fallen began again from nothing, as when the compute slept: what it shows was counted since.
-- note: restarts: how often it fell, or the server said that it began anew. What it counted right before is in no note.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- param object text null
-- column object_name text
-- column metric_name text
-- column first_at timestamp
-- column last_at timestamp
-- column first_value number
-- column last_value number
-- column grown number
-- column restarts integer
SELECT s.object_name, s.metric_name,
       min(s.snapshot_timestamp) AS first_at,
       max(s.snapshot_timestamp) AS last_at,
       min_by(s.metric_value, s.snapshot_timestamp) AS first_value,
       max_by(s.metric_value, s.snapshot_timestamp) AS last_value,
       sum(CASE WHEN s.earlier IS NULL THEN 0
                WHEN s.metric_value >= s.earlier THEN s.metric_value - s.earlier
                ELSE s.metric_value
            END) AS grown,
       count(CASE WHEN s.metric_value < s.earlier OR s.epoch <> s.earlier_epoch THEN 1 END) AS restarts
  FROM (SELECT m.object_name,
               m.metric_name,
               m.snapshot_timestamp,
               m.metric_value,
               m.epoch,
               lag(m.metric_value) OVER (PARTITION BY m.object_name, m.metric_name ORDER BY m.snapshot_timestamp) AS earlier,
               lag(m.epoch) OVER (PARTITION BY m.object_name, m.metric_name ORDER BY m.snapshot_timestamp) AS earlier_epoch
          FROM lakebase_metrics m
         WHERE m.project_id = :project
           AND m.branch_id = :branch
           AND (m.database_name IS NULL OR m.database_name = :database)
           AND m.metric_name IN ('table_rows_changed', 'table_rows_inserted', 'table_autovacuums', 'table_rows_updated',
                                 'table_rows_hot_updated')
           AND m.snapshot_timestamp >= :since
           AND (:object IS NULL OR m.object_name = :object)) s
 GROUP BY s.object_name, s.metric_name
