-- summary: how much of a branch's audit log has been committed
-- kind: history
-- param project text
-- param branch text
-- column entries integer
SELECT count(*) AS entries
  FROM audit_log a
 WHERE a.project_id = :project
   AND a.branch_id = :branch
