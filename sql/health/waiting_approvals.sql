-- summary: what waits for a person on a branch, by the latest step of each request
-- kind: history
-- param project text
-- param branch text
-- param now timestamp
-- column approval_id text
-- column title text
-- column tool text
-- column asked_at timestamp
SELECT h.approval_id, h.group_title AS title, h.tool, h.at AS asked_at
  FROM (SELECT a.approval_id, a.group_title, a.tool, a.at, a.status, a.expires_at,
               row_number() OVER (PARTITION BY a.approval_id ORDER BY a.at DESC) AS place
          FROM approval_history a
         WHERE a.project_id = :project
           AND a.branch_id = :branch) h
 WHERE h.place = 1
   AND h.status IN ('pending', 'returned')
   AND coalesce(h.expires_at, :now) >= :now
 ORDER BY h.at DESC, h.approval_id
 LIMIT 20
