-- the open alerts that no metric's threshold stands behind: escalations, approvals, services; the worst first
WITH steps AS (
    SELECT a.alert_id, a.severity, a.title, a.project_id, a.branch_id, a.fired_at, a.at AS moment, a.state,
           row_number() OVER (PARTITION BY a.project_id, a.branch_id, a.alert_id ORDER BY a.at DESC, a.state) AS step
      FROM {table} a
     WHERE coalesce(a.metric_name, '') NOT IN ({metric}) AND a.state NOT IN ('delivered', 'delivery_failed')
)
SELECT CASE s.severity WHEN 'critical' THEN 3 WHEN 'warning' THEN 2 ELSE 1 END AS severity_level, s.severity, s.title,
       s.project_id, s.branch_id, coalesce(s.fired_at, s.moment) AS since,
       CASE WHEN s.alert_id LIKE 'approval/%' THEN concat('lbops approvals ', split_part(substr(s.alert_id, 10), '@', 1))
            WHEN s.alert_id LIKE 'suspended/%' THEN concat('lbops tools ', split_part(substr(s.alert_id, 11), '@', 1), ' --resume')
            WHEN s.alert_id LIKE 'issue/%'
            THEN concat('lbops run diagnose_root_cause --project ', s.project_id, ' --branch ', s.branch_id)
            WHEN s.alert_id LIKE 'cost/%' THEN 'lbops run track_cost_attribution'
            WHEN s.alert_id LIKE 'unseen/%' THEN 'lbops check --online'
            WHEN s.alert_id LIKE 'service/%' OR s.alert_id LIKE 'history/%' THEN 'lbops status'
            ELSE 'lbops alerts' END AS next
  FROM steps s
 WHERE s.step = 1 AND s.state NOT IN ('resolved', 'silenced')
 ORDER BY severity_level DESC, since
