-- summary: runs of a branch that did not end well since a moment, alike ones together, the latest first
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- column tool text
-- column status text
-- column message text null
-- column times integer
-- column last_at timestamp
SELECT t.tool, t.status, t.error_message AS message, count(*) AS times, max(t.started_at) AS last_at
  FROM tool_runs t
 WHERE t.project_id = :project
   AND t.branch_id = :branch
   AND t.status NOT IN ('ok', 'skipped', 'pending_approval')
   AND t.started_at >= :since
 GROUP BY t.tool, t.status, t.error_message
 ORDER BY max(t.started_at) DESC, t.tool
 LIMIT 20
