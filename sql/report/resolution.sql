-- summary: alerts that are over: since when they were, and until when
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
