-- summary: what counters of two branches grew by, for each span in which they counted without a break
-- kind: history
-- note: an empty metric stands for all. A count that has fallen, or whose epoch is another, began again from nothing: what
-- note: it had until then is a span of its own, and between the two nothing is known.
-- param project text
-- param branch text
-- param other text
-- param metric text
-- param since timestamp
-- column branch_id text
-- column metric_name text
-- column object_name text null
-- column unit text null
-- column first_at timestamp
-- column last_at timestamp
-- column grown number
-- column readings integer
SELECT e.branch_id,
       e.metric_name,
       e.object_name,
       max(e.unit) AS unit,
       min(e.snapshot_timestamp) AS first_at,
       max(e.snapshot_timestamp) AS last_at,
       max(e.metric_value) - min(e.metric_value) AS grown,
       count(*) AS readings
  FROM (SELECT c.branch_id, c.metric_name, c.database_name, c.object_name, c.unit, c.snapshot_timestamp, c.metric_value,
               sum(CASE WHEN c.metric_value < c.earlier OR c.epoch <> c.earlier_epoch THEN 1 ELSE 0 END)
                   OVER (PARTITION BY c.branch_id, c.metric_name, c.database_name, c.object_name
                         ORDER BY c.snapshot_timestamp) AS span
          FROM (SELECT m.branch_id, m.metric_name, m.database_name, m.object_name, m.unit, m.snapshot_timestamp,
                       m.metric_value, m.epoch,
                       lag(m.metric_value) OVER (PARTITION BY m.branch_id, m.metric_name, m.database_name, m.object_name
                                                 ORDER BY m.snapshot_timestamp) AS earlier,
                       lag(m.epoch) OVER (PARTITION BY m.branch_id, m.metric_name, m.database_name, m.object_name
                                          ORDER BY m.snapshot_timestamp) AS earlier_epoch
                  FROM lakebase_metrics m
                 WHERE m.project_id = :project
                   AND m.branch_id IN (:branch, :other)
                   AND m.snapshot_timestamp >= :since
                   AND m.kind = 'counter'
                   AND (:metric = '' OR m.metric_name = :metric)) c) e
 GROUP BY e.branch_id, e.metric_name, e.database_name, e.object_name, e.span
 ORDER BY e.metric_name, e.object_name NULLS FIRST, e.branch_id, first_at
