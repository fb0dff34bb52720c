-- summary: changed rows that tables of a database had before their counters were lost, and that no vacuum has looked at since
-- kind: history
-- note: rows from before the databases of a branch were told apart name none: they may be of any.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column metric_name text
-- column object_name text
-- column metric_value number
-- column detail json null
SELECT m.metric_name, m.object_name, max_by(m.metric_value, m.snapshot_timestamp) AS metric_value,
       max_by(m.detail, m.snapshot_timestamp) AS detail
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND (m.database_name IS NULL OR m.database_name = :database)
   AND m.metric_name IN ('carried_dead_rows', 'carried_inserted_rows')
   AND m.snapshot_timestamp >= :since
   AND NOT EXISTS (SELECT 1
                     FROM vacuum_history v
                    WHERE v.project_id = m.project_id
                      AND v.branch_id = m.branch_id
                      AND (v.database_name IS NULL OR v.database_name = :database)
                      AND concat(v.schema_name, '.', v.table_name) = m.object_name
                      AND v.operation_type IN ('vacuum_analyze', 'vacuum_full')
                      AND v.status = 'success'
                      AND v.executed_at > m.snapshot_timestamp)
 GROUP BY m.metric_name, m.object_name
