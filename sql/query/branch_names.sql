-- summary: the branches of a project that history has anything of, whenever that was
-- kind: history
-- param project text
-- column branch_id text
SELECT n.branch_id
  FROM (SELECT m.branch_id FROM lakebase_metrics m WHERE m.project_id = :project GROUP BY m.branch_id
        UNION
        SELECT h.branch_id FROM pg_stat_history h WHERE h.project_id = :project GROUP BY h.branch_id) n
 ORDER BY n.branch_id
 LIMIT 1000
