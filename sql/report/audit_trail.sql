-- summary: changes that were made, and those of which it is known who made them and why
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN l.actor IS NOT NULL AND l.reason IS NOT NULL THEN 1 END) AS DOUBLE) AS part,
       CAST(count(*) AS DOUBLE) AS whole
  FROM audit_log l
 WHERE l.phase = 'outcome'
   AND coalesce(l.effect, '') <> 'read'
   AND l.at >= :since
