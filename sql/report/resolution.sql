-- summary: alerts that are over: since when they were, and until when; and those that are open, without an end
-- kind: history
-- param since timestamp
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT a.fired_at AS began_at, a.at AS ended_at
  FROM alert_history a
 WHERE a.state = 'resolved'
   AND a.rule IN ('threshold.cleared', 'issue.resolved')
   AND a.fired_at IS NOT NULL
   AND a.at >= :since
UNION ALL
SELECT coalesce(o.fired_at, o.at) AS began_at, CAST(NULL AS TIMESTAMP) AS ended_at
  FROM (SELECT s.fired_at, s.at, s.state, s.rule,
               row_number() OVER (PARTITION BY s.alert_id ORDER BY s.at DESC, s.state) AS step
          FROM alert_history s
         WHERE s.state NOT IN ('delivered', 'delivery_failed')) o
 WHERE o.step = 1
   AND o.state <> 'resolved'
   AND o.rule IN ('threshold.breached', 'issue.escalated')
