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
               count(CASE WHEN a.state = 'fired' AND a.was <> 'fired' AND a.at >= :recent THEN 1 END)
                     OVER (PARTITION BY a.alert_id) AS fires,
               row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC) AS place
          -- two that look at one moment may both say that it began: it began once
          FROM (SELECT t.*, coalesce(lag(t.state) OVER (PARTITION BY t.alert_id ORDER BY t.at), 'none') AS was
                  FROM alert_history t
                 WHERE t.project_id = :project
                   AND t.branch_id = :branch
                   AND t.source_tool = :tool
                   AND t.at >= :since) a) h
 WHERE h.place = 1
 ORDER BY h.alert_id
