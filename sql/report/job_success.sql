-- summary: runs by schedule that were not skipped, and those that did what they are for
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN t.status IN ('ok', 'pending_approval') THEN 1 END) AS DOUBLE) AS part,
       CAST(count(*) AS DOUBLE) AS whole
  FROM tool_runs t
 WHERE t.actor_kind = 'schedule'
   AND t.status <> 'skipped'
   AND t.started_at >= :since
