-- query: overview.waiting
-- title: What waits for you
-- chart: table
-- empty: Nothing: no decision is open.
-- column: group_title cell text Change
-- column: place cell name Branch
-- column: risk cell status Risk
-- column: effect cell status Effect
-- column: reason cell text Why
-- column: expires_at cell time Until
-- column: command cell code To let it happen
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
steps AS (
    SELECT p.approval_id, p.status, p.group_title, p.project_id, p.branch_id, p.risk, p.effect, p.reason, p.requested_at,
           p.expires_at, row_number() OVER (PARTITION BY p.approval_id ORDER BY p.at DESC, p.status) AS step
      FROM approval_history p
)
SELECT s.group_title, s.project_id || '/' || s.branch_id AS place, s.risk, s.effect, s.reason, s.expires_at,
       'lbops approve ' || s.approval_id || ' --as NAME --because TEXT' AS command
  FROM steps s
 CROSS JOIN upto u
 WHERE s.step = 1 AND s.status IN ('pending', 'returned') AND (s.expires_at IS NULL OR s.expires_at > u.moment)
 ORDER BY CASE s.risk WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, s.expires_at NULLS LAST, s.approval_id
 LIMIT 50
