-- summary: branches whose time is over and that are still there, and all that anybody knows of
-- kind: history
-- param now timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN b.expires_at < :now AND b.event_type NOT IN ('deleted', 'expired') THEN 1 END) AS DOUBLE)
         AS part,
       CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT l.event_type,
               l.expires_at,
               row_number() OVER (PARTITION BY l.project_id, l.branch_id ORDER BY l.event_timestamp DESC) AS place
          FROM branch_lifecycle l) b
 WHERE b.place = 1
