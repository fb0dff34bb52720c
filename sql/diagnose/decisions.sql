-- summary: what people have said lately to what a tool asked for, and what still waits for them
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one.
-- note: rows_affected is of the run that carried it out: null where it has none, or the audit log does not say (yet).
-- param project text
-- param branch text
-- param tool text
-- param since timestamp
-- column title text
-- column status text
-- column decided_at timestamp
-- column decided_by text null
-- column rows_affected integer null
SELECT h.group_title AS title, h.status, h.at AS decided_at, h.decided_by, d.rows_affected
  FROM (SELECT a.group_title, a.status, a.at, a.decided_by, a.executed_run_id,
               row_number() OVER (PARTITION BY a.group_title ORDER BY a.at DESC) AS place
          FROM approval_history a
         WHERE a.project_id = :project
           AND a.branch_id = :branch
           AND a.tool = :tool
           AND a.at >= :since
           AND a.at >= coalesce((SELECT max(e.event_timestamp)
                                   FROM branch_lifecycle e
                                  WHERE e.project_id = :project
                                    AND e.branch_id = :branch
                                    AND e.event_type = 'created'), :since)) h
  LEFT JOIN (SELECT l.run_id, max(l.rows_affected) AS rows_affected
               FROM audit_log l
              WHERE l.project_id = :project
                AND l.branch_id = :branch
                AND l.tool = :tool
                AND l.phase = 'outcome'
                AND l.approval_id IS NOT NULL
                AND l.at >= :since
              GROUP BY l.run_id) d
    ON d.run_id = h.executed_run_id
 WHERE h.place = 1
 ORDER BY h.group_title
