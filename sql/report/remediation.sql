-- summary: breaches that are over, and those among them during which a change was made on their account, by nobody's word
-- kind: history
-- note: on its account: by a run that the breach's event has started, or by self_heal, which begins with a diagnosis, or by
-- note: what either of them has called; and where the breach is about a table or the like, a change that names it. Of the
-- note: procedures, which follow each breach, only that of its own metric, and only where it was carried out
-- note: (procedure_change): what was done about another breach that was open then is no answer to this one.
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN r.actions > 0 THEN 1 END) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT a.alert_id, a.at AS over_at, count(l.audit_id) AS actions
          FROM alert_history a
          LEFT JOIN (SELECT c.audit_id, c.project_id, c.branch_id, c.at, c.statement,
                            CASE
                              WHEN 'self_heal' IN (c.tool, p.tool, g.tool) THEN NULL
                              WHEN 'execute_low_risk_sop' IN (c.tool, p.tool) THEN coalesce(d.metric, '')
                            END AS metric
                       FROM audit_log c
                       LEFT JOIN tool_runs t ON t.run_id = c.run_id
                       LEFT JOIN tool_runs p ON p.run_id = t.parent_run_id
                       LEFT JOIN tool_runs g ON g.run_id = p.parent_run_id
                       LEFT JOIN (SELECT m.run_id, max(split_part(m.object_name, ' ', 1)) AS metric
                                    FROM lakebase_metrics m
                                   WHERE m.metric_name = 'procedure_change'
                                   GROUP BY m.run_id) d
                         ON d.run_id = CASE WHEN p.tool = 'execute_low_risk_sop' THEN p.run_id ELSE c.run_id END
                      WHERE c.phase = 'outcome'
                        AND c.outcome = 'applied'
                        AND coalesce(c.effect, '') <> 'read'
                        AND c.actor_kind <> 'person'
                        AND c.approval_id IS NULL
                        AND (c.actor_kind = 'event' AND c.actor = 'evaluate_alert_thresholds'
                             OR 'self_heal' IN (c.tool, p.tool, g.tool))) l
            ON l.project_id = a.project_id
           AND l.branch_id = a.branch_id
           AND l.at >= a.fired_at
           AND l.at <= a.at
           AND (l.metric IS NULL OR l.metric = a.metric_name)
           AND (a.object_name IS NULL OR instr(replace(l.statement, '"', ''), a.object_name) > 0)
         WHERE a.state = 'resolved'
           AND a.rule = 'threshold.cleared'
           AND a.at >= :since
         GROUP BY a.alert_id, a.at) r
