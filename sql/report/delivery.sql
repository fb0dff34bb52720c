-- summary: alerts: when the breach was seen, and when the first service had told somebody
-- kind: history
-- param since timestamp
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT f.fired_at AS began_at, min(d.at) AS ended_at
  FROM alert_history f
  JOIN alert_history d ON d.alert_id = f.alert_id
                      AND d.fired_at = f.fired_at
                      AND d.state = 'delivered'
 WHERE f.state = 'fired'
   AND f.at >= :since
 GROUP BY f.alert_id, f.fired_at
