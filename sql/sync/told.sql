-- summary: the last that people were told of each matter of a copy, and the last that each check has found
-- kind: history
-- note: what was told waits for as long as it takes; what was found counts only where telling it has left no trace.
-- param project text
-- param branch text
-- param lately timestamp
-- column is_told boolean
-- column subject text null
-- column pair text null
-- column state text
-- column at timestamp
-- column tool text null
-- column limit_s number null
SELECT true AS is_told, h.metric_name AS subject, h.object_name AS pair, h.state, h.at, h.source_tool AS tool,
       h.threshold AS limit_s
  FROM (SELECT a.metric_name, a.object_name, a.state, a.at, a.source_tool, a.threshold,
               row_number() OVER (PARTITION BY a.alert_id ORDER BY a.at DESC) AS place
          FROM alert_history a
         WHERE a.project_id = :project
           AND a.branch_id = :branch
           AND a.alert_id LIKE 'sync/%'
           AND a.state IN ('fired', 'escalated', 'renotified', 'resolved')) h
 WHERE h.place = 1
UNION ALL
SELECT false AS is_told, l.check_type AS subject, l.pair, l.status AS state, l.validated_at AS at, NULL AS tool,
       l.freshness_limit_seconds AS limit_s
  FROM (SELECT v.check_type, v.status, v.validated_at, v.freshness_limit_seconds,
               CASE WHEN v.source_table LIKE '%.%' THEN v.source_table ELSE 'public.' || v.source_table END
                 || ' and ' || v.target_table AS pair,
               row_number() OVER (PARTITION BY v.source_table, v.target_table, v.check_type,
                                               CASE v.status WHEN 'not_compared' THEN 1 WHEN 'waiting' THEN 2 ELSE 0 END
                                      ORDER BY v.validated_at DESC) AS place
          FROM sync_validation_history v
         WHERE v.project_id = :project
           AND v.branch_id = :branch
           AND v.validated_at >= :lately) l
 WHERE l.place = 1
 ORDER BY is_told DESC
