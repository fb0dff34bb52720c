-- summary: the latest tuning of each table of a database since a moment, and whether it has been judged since
-- kind: history
-- note: a tuning is a row of status success, and its verdict (kept, reverted) another one with the same operation_id.
-- note: rows from before the databases of a branch were told apart name none: they may be of any, until a verdict names one.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column schema_name text
-- column table_name text
-- column operation_id text
-- column executed_at timestamp
-- column latest_status text
-- column reason text null
-- column settings text null
SELECT v.schema_name, v.table_name, max_by(v.operation_id, v.executed_at) FILTER (WHERE v.status = 'success') AS operation_id,
       max(v.executed_at) FILTER (WHERE v.status = 'success') AS executed_at,
       max_by(v.status, v.executed_at) AS latest_status,
       max_by(v.reason, v.executed_at) FILTER (WHERE v.status = 'success') AS reason,
       max_by(CAST(v.settings AS STRING), v.executed_at) FILTER (WHERE v.status = 'success') AS settings
  FROM vacuum_history v
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND NOT EXISTS (SELECT 1
                     FROM vacuum_history d
                    WHERE d.project_id = v.project_id
                      AND d.branch_id = v.branch_id
                      AND d.operation_id = v.operation_id
                      AND d.database_name <> :database)
   AND v.operation_type = 'tune_autovacuum'
   AND v.status IN ('success', 'kept', 'reverted')
   AND v.executed_at >= :since
 GROUP BY v.schema_name, v.table_name
HAVING count(*) FILTER (WHERE v.status = 'success') > 0
 ORDER BY v.schema_name, v.table_name
