-- summary: the last that was told of each trouble that needed a person, and how often it came of late
-- kind: history
-- param project text
-- param branch text
-- param tool text
-- param since timestamp
-- param recent timestamp
-- column alert_id text
-- column told_at timestamp
-- column state text
-- column severity text
-- column kind text
-- column object_name text null
-- column fired_at timestamp null
-- column fires integer
SELECT h.alert_id, h.at AS told_at, h.state, h.severity, h.rule AS kind, h.object_name, h.fired_at, h.fires
  FROM (SELECT a.alert_id, a.at, a.state, a.severity, a.rule, a.object_name, a.fired_at,
               count(CASE WHEN a.state = 'fired' AND a.at >= :recent THEN 1 END) OVER (PARTITION BY a.alert_id) AS fires,
               row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC) AS place
          FROM alert_history a
         WHERE a.project_id = :project
           AND a.branch_id = :branch
           AND a.source_tool = :tool
           AND a.at >= :since) h
 WHERE h.place = 1
 ORDER BY h.alert_id
