-- summary: when tables of a branch were last taken anew by us, newest first
-- kind: history
-- param project text
-- param branch text
-- param operations text[]
-- column table_name text
-- column executed_at timestamp
SELECT v.table_name, v.executed_at
  FROM vacuum_history v
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND v.operation_type IN (:operations)
 ORDER BY v.executed_at DESC, v.table_name
 LIMIT 100
