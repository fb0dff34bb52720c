-- query: overview.now
-- set: Now
-- title: Now
-- chart: numbers
-- empty: No history yet: run `lbops cycle`, or leave `lbops serve` at work.
-- column: as_of cell time As of
-- column: critical bad count Critical alerts
-- column: warnings warn count Warnings
-- column: waiting warn count Decisions that wait for you
-- column: failed_runs bad count Runs that failed in 24 hours
-- column: changes value count Changes made in 24 hours
-- column: branches value count Branches looked after
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
alerts AS (
    SELECT a.severity, a.state,
           row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC, a.state) AS step
      FROM alert_history a
     WHERE a.state NOT IN ('delivered', 'delivery_failed')
),
asked AS (
    SELECT p.status, p.expires_at,
           row_number() OVER (PARTITION BY p.approval_id ORDER BY p.at DESC, p.status) AS step
      FROM approval_history p
)
SELECT u.moment AS as_of,
       (SELECT count(*) FROM alerts WHERE step = 1 AND state <> 'resolved' AND severity = 'critical') AS critical,
       (SELECT count(*) FROM alerts WHERE step = 1 AND state <> 'resolved' AND severity = 'warning') AS warnings,
       (SELECT count(*) FROM asked
         WHERE step = 1 AND status IN ('pending', 'returned')
           AND (expires_at IS NULL OR expires_at > (SELECT moment FROM upto))) AS waiting,
       (SELECT count(*) FROM tool_runs r
         WHERE r.status IN ('failed', 'timeout', 'crashed')
           AND r.started_at > (SELECT moment FROM upto) - INTERVAL 24 HOURS) AS failed_runs,
       (SELECT count(*) FROM audit_log c
         WHERE c.phase = 'outcome' AND c.outcome = 'applied' AND coalesce(c.effect, '') <> 'read'
           AND c.at > (SELECT moment FROM upto) - INTERVAL 24 HOURS) AS changes,
       (SELECT count(*) FROM (SELECT DISTINCT r.project_id, r.branch_id FROM tool_runs r
         WHERE r.branch_id IS NOT NULL AND r.started_at > (SELECT moment FROM upto) - INTERVAL 24 HOURS) b) AS branches
  FROM upto u
 WHERE u.moment IS NOT NULL
