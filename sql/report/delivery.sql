-- summary: alerts: when the breach was seen, and when the first service had told somebody; null: none could until now
-- kind: history
-- note: what no service was to tell, as in a maintenance window, is not among them.
-- param since timestamp
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT f.fired_at AS began_at, min(CASE WHEN d.state = 'delivered' THEN d.at END) AS ended_at
  FROM alert_history f
  JOIN alert_history d ON d.alert_id = f.alert_id
                      AND d.fired_at = f.fired_at
                      AND d.state IN ('delivered', 'delivery_failed')
 WHERE f.state = 'fired'
   AND f.at >= :since
 GROUP BY f.alert_id, f.fired_at
