-- summary: the latest tuning of each table since a moment
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- column schema_name text
-- column table_name text
-- column executed_at timestamp
-- column reason text null
-- column settings text null
SELECT v.schema_name, v.table_name, max(v.executed_at) AS executed_at,
       max_by(v.reason, v.executed_at) AS reason,
       max_by(CAST(v.settings AS STRING), v.executed_at) AS settings
  FROM vacuum_history v
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND v.operation_type = 'tune_autovacuum'
   AND v.status = 'success'
   AND v.executed_at >= :since
 GROUP BY v.schema_name, v.table_name
 ORDER BY v.schema_name, v.table_name
