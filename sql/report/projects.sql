-- summary: how many projects were looked after, in how many runs
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(DISTINCT t.project_id) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM tool_runs t
 WHERE t.started_at >= :since
