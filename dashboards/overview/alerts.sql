-- query: overview.alerts
-- title: What is wrong now
-- chart: table
-- empty: Nothing: no alert is open.
-- column: severity cell status Severity
-- column: title cell text Alert
-- column: place cell name Branch
-- column: object_name cell text Object
-- column: fired_at cell time Since
-- column: state cell status State
-- column: message cell text Message
WITH steps AS (
    SELECT a.alert_id, a.severity, a.title, a.project_id, a.branch_id, a.object_name, a.fired_at, a.at AS moment, a.state,
           a.message, row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC, a.state) AS step
      FROM alert_history a
     WHERE a.state NOT IN ('delivered', 'delivery_failed')
)
SELECT s.severity, s.title, s.project_id || '/' || s.branch_id AS place, s.object_name,
       coalesce(s.fired_at, s.moment) AS fired_at, s.state, s.message
  FROM steps s
 WHERE s.step = 1 AND s.state <> 'resolved'
 ORDER BY CASE s.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, coalesce(s.fired_at, s.moment),
          s.alert_id
 LIMIT 50
