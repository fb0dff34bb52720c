-- summary: alerts about copies that are open: what is wrong, and with which pair
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- column matter text null
-- column pair text null
SELECT h.metric_name AS matter, h.object_name AS pair
  FROM (SELECT a.metric_name, a.object_name, a.state,
               row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC) AS place
          FROM alert_history a
         WHERE a.project_id = :project
           AND a.branch_id = :branch
           AND a.alert_id LIKE 'sync/%'
           AND a.state IN ('fired', 'escalated', 'renotified', 'acknowledged', 'resolved')
           AND a.at >= :since) h
 WHERE h.place = 1
   AND h.state <> 'resolved'
