-- summary: branches whose time is over and that are still there, and all that anybody knows of
-- kind: history
-- note: not every event says when a branch ends; what was said last since it was made holds.
-- param now timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN b.expires_at < :now AND b.last_event NOT IN ('deleted', 'expired') THEN 1 END) AS DOUBLE)
         AS part,
       CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT max_by(e.event_type, e.event_timestamp) AS last_event,
               max_by(e.expires_at, CASE WHEN e.expires_at IS NOT NULL THEN e.event_timestamp END) AS expires_at
          FROM (SELECT l.project_id,
                       l.branch_id,
                       l.event_type,
                       l.event_timestamp,
                       l.expires_at,
                       max(CASE WHEN l.event_type = 'created' THEN l.event_timestamp END)
                         OVER (PARTITION BY l.project_id, l.branch_id) AS made_at
                  FROM branch_lifecycle l) e
         WHERE e.made_at IS NULL
            OR e.event_timestamp >= e.made_at
         GROUP BY e.project_id, e.branch_id) b
