-- summary: breaches that are over, and those among them that a change ended for which nobody was asked
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN r.actions > 0 THEN 1 END) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT a.alert_id, a.at AS over_at, count(l.audit_id) AS actions
          FROM alert_history a
          LEFT JOIN audit_log l ON l.project_id = a.project_id
                               AND l.branch_id = a.branch_id
                               AND l.phase = 'outcome'
                               AND l.outcome = 'applied'
                               AND coalesce(l.effect, '') <> 'read'
                               AND l.actor_kind <> 'person'
                               AND l.approval_id IS NULL
                               AND l.at >= a.fired_at
                               AND l.at <= a.at
         WHERE a.state = 'resolved'
           AND a.rule = 'threshold.cleared'
           AND a.at >= :since
         GROUP BY a.alert_id, a.at) r
