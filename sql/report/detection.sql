-- summary: alerts on a metric: the last reading before each that was in order, and when it was told
-- kind: history
-- note: in order for what the alert is about: another table's reading says nothing of this one, and a table that a reading
-- note: does not name was well then.
-- param since timestamp
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT max(r.read_at) AS began_at, r.told_at AS ended_at
  FROM (SELECT a.alert_id, a.at AS told_at, m.snapshot_timestamp AS read_at
          FROM alert_history a
          JOIN lakebase_metrics m ON m.project_id = a.project_id
                                 AND m.branch_id = a.branch_id
                                 AND m.metric_name = a.metric_name
                                 AND m.threshold_level IS NOT NULL
                                 AND m.snapshot_timestamp < a.at
         WHERE a.state = 'fired'
           AND a.at >= :since
         GROUP BY a.alert_id, a.at, m.snapshot_timestamp
        HAVING count(CASE WHEN m.threshold_level <> 'normal'
                           AND coalesce(m.object_name, a.object_name, '') = coalesce(a.object_name, m.object_name, '')
                          THEN 1 END) = 0) r
 GROUP BY r.alert_id, r.told_at
