-- query: overview.changes
-- title: What changed
-- note: The newest changes that went through the door; settings of our own sessions are none, nor are trials that undo themselves.
-- chart: table
-- window: 7 days
-- empty: Nothing was changed.
-- column: moment cell time When
-- column: place cell name Branch
-- column: tool cell name Tool
-- column: actor cell text Who
-- column: outcome cell status Outcome
-- column: effect cell status Effect
-- column: statement cell code Statement
-- column: error_message cell text Error
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT c.at AS moment, c.project_id || '/' || c.branch_id AS place, c.tool, coalesce(c.actor, c.actor_kind) AS actor,
       c.outcome, c.effect, c.statement, c.error_message
  FROM audit_log c
  JOIN upto u ON c.at > u.moment - INTERVAL 7 DAYS
 WHERE c.phase = 'outcome' AND coalesce(c.effect, '') <> 'read' AND coalesce(c.outcome, '') <> 'undone'
 ORDER BY c.at DESC, c.audit_id
 LIMIT 25
