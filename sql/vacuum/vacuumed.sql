-- summary: tables of a database that were vacuumed by us, and when the last one of each began
-- kind: history
-- note: rows from before the databases of a branch were told apart name none: they may be of any.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column object_name text
-- column began timestamp
SELECT concat(v.schema_name, '.', v.table_name) AS object_name, max(v.executed_at) AS began
  FROM vacuum_history v
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND (v.database_name IS NULL OR v.database_name = :database)
   AND v.operation_type IN ('vacuum_analyze', 'vacuum_full')
   AND v.status = 'success'
   AND v.executed_at >= :since
 GROUP BY concat(v.schema_name, '.', v.table_name)
