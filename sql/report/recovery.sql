-- summary: tools that could not reach a branch, and those that have worked there since
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN r.good_at > r.lost_at THEN 1 END) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT max(CASE WHEN t.status = 'failed' AND t.error_code = 'unreachable' THEN t.started_at END) AS lost_at,
               max(CASE WHEN t.status = 'ok' THEN t.started_at END) AS good_at
          FROM tool_runs t
         WHERE t.started_at >= :since
         GROUP BY t.project_id, t.branch_id, t.tool) r
 WHERE r.lost_at IS NOT NULL
