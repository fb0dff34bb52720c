-- summary: what our own runs took of each branch and day: time of statements and of computes that were awake for them alone
-- kind: history
-- note: what was left out may still say how long the look before it had kept the compute awake.
-- param since timestamp
-- column project_id text null
-- column branch_id text null
-- column day timestamp
-- column statements_s number
-- column awake_s number
-- column runs integer
SELECT t.project_id,
       t.branch_id,
       date_trunc('day', t.started_at) AS day,
       CAST(coalesce(sum(t.statements_ms), 0) / 1000 AS DOUBLE) AS statements_s,
       CAST(coalesce(sum(t.awake_seconds), 0) AS DOUBLE) AS awake_s,
       count(*) FILTER (WHERE t.status <> 'skipped') AS runs
  FROM tool_runs t
 WHERE t.started_at >= :since
   AND t.branch_id IS NOT NULL
 GROUP BY t.project_id, t.branch_id, date_trunc('day', t.started_at)
