-- the alerts of one metric that are open, the worst first; none: all is well
WITH steps AS (
    SELECT a.alert_id, a.severity, a.title, a.project_id, a.branch_id, a.fired_at, a.at AS moment, a.state,
           row_number() OVER (PARTITION BY a.project_id, a.branch_id, a.alert_id ORDER BY a.at DESC, a.state) AS step
      FROM {table} a
     WHERE a.metric_name = {metric} AND a.state NOT IN ('delivered', 'delivery_failed')
)
SELECT CASE s.severity WHEN 'critical' THEN 3 WHEN 'warning' THEN 2 ELSE 1 END AS severity_level, s.severity, s.title,
       s.project_id, s.branch_id, coalesce(s.fired_at, s.moment) AS since,
       concat('lbops run {tool} --project ', s.project_id, ' --branch ', s.branch_id) AS next
  FROM steps s
 WHERE s.step = 1 AND s.state NOT IN ('resolved', 'silenced')
 ORDER BY severity_level DESC, since
