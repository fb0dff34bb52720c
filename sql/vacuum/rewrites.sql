-- summary: rewrites of tables of a database that waited for a person, whose outcome is not on record yet, and what came of them
-- kind: history
-- note: rows from before the databases of a branch were told apart name none: they may be of any.
-- note: which database a change was made in, the evidence of its intent says.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column operation_id text
-- column schema_name text
-- column table_name text
-- column reason text null
-- column bytes_before integer null
-- column dead_before integer null
-- column asked_at timestamp
-- column executed_at timestamp
-- column duration_ms number null
-- column outcome text
-- column error_message text null
SELECT v.operation_id, v.schema_name, v.table_name, v.reason, v.bytes_before, v.dead_tuples_before AS dead_before,
       v.executed_at AS asked_at, a.at AS executed_at, a.duration_ms, a.outcome, a.error_message
  FROM vacuum_history v
  JOIN audit_log a
    ON a.project_id = v.project_id
   AND a.branch_id = v.branch_id
   AND a.tool = 'schedule_vacuum_full'
   AND a.phase = 'outcome'
   AND a.statement LIKE 'VACUUM (FULL%'
   AND a.group_title = concat('write ', v.schema_name, '.', v.table_name, ' anew (VACUUM FULL)')
   AND a.at > v.executed_at
  LEFT JOIN audit_log i
    ON i.project_id = a.project_id
   AND i.branch_id = a.branch_id
   AND i.audit_id = a.audit_id
   AND i.phase = 'intent'
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND (v.database_name IS NULL OR v.database_name = :database)
   AND (instr(coalesce(i.evidence, ''), '"database":') = 0
        OR instr(i.evidence, concat('"database":"', :database, '"')) > 0)
   AND v.operation_type = 'vacuum_full'
   AND v.status = 'waiting'
   AND v.executed_at >= :since
   AND NOT EXISTS (SELECT 1 FROM vacuum_history d WHERE d.operation_id = v.operation_id AND d.status <> 'waiting')
 ORDER BY a.at
