-- summary: the newest value of each of some metrics of a branch, one for each object where a metric has several
-- kind: history
-- param project text
-- param branch text
-- param metrics text[]
-- param since timestamp
-- column metric_name text
-- column object_name text null
-- column snapshot_timestamp timestamp
-- column metric_value number
-- column unit text null
-- column threshold_level text null
SELECT newest.metric_name,
       newest.object_name,
       newest.snapshot_timestamp,
       newest.metric_value,
       newest.unit,
       newest.threshold_level
  FROM (SELECT m.metric_name, m.object_name, m.snapshot_timestamp, m.metric_value, m.unit, m.threshold_level,
               row_number() OVER (PARTITION BY m.metric_name, m.object_name
                                  ORDER BY m.snapshot_timestamp DESC) AS place
          FROM lakebase_metrics m
         WHERE m.project_id = :project
           AND m.branch_id = :branch
           AND m.metric_name IN (:metrics)
           AND m.snapshot_timestamp >= :since) newest
 WHERE newest.place = 1
 ORDER BY newest.metric_name, newest.object_name NULLS FIRST
