-- summary: branches that history takes to be there, each with what was written down of it last
-- kind: history
-- note: what was approved is written down before there is an identifier, and a migration never asks for it.
-- param since timestamp
-- column project_id text
-- column branch_id text
-- column branch_uid text null
-- column last_at timestamp
-- column made_at timestamp null
SELECT l.project_id,
       l.branch_id,
       l.branch_uid,
       max(l.event_timestamp) AS last_at,
       max(CASE WHEN l.event_type = 'created' THEN l.event_timestamp END) AS made_at
  FROM branch_lifecycle l
 WHERE l.event_timestamp >= :since
   AND l.project_id IS NOT NULL
   AND l.branch_id IS NOT NULL
 GROUP BY l.project_id, l.branch_id, l.branch_uid
HAVING max_by(l.event_type, l.event_timestamp) NOT IN ('deleted', 'expired')
 ORDER BY l.project_id, l.branch_id, last_at
