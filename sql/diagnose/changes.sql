-- summary: what was changed on a branch since a moment, by whomever, newest first
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one.
-- param project text
-- param branch text
-- param since timestamp
-- column changed_at timestamp
-- column actor_kind text
-- column actor text null
-- column tool text
-- column statement text
-- column group_title text null
SELECT a.at AS changed_at,
       a.actor_kind,
       a.actor,
       a.tool,
       a.statement,
       a.group_title
  FROM audit_log a
 WHERE a.project_id = :project
   AND a.branch_id = :branch
   AND a.phase = 'outcome'
   AND a.outcome = 'applied'
   AND a.at >= :since
   AND a.at >= coalesce((SELECT max(e.event_timestamp)
                           FROM branch_lifecycle e
                          WHERE e.project_id = :project
                            AND e.branch_id = :branch
                            AND e.event_type = 'created'), :since)
 ORDER BY a.at DESC, a.audit_id
 LIMIT 200
