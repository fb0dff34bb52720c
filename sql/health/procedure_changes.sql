-- summary: what procedures have changed on a branch since a moment, whoever ran them, and whether it helped, the newest first
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one; detail has the branch's uid, where it is known.
-- param project text
-- param branch text
-- param since timestamp
-- param most integer
-- column changed_at timestamp
-- column what text
-- column helped boolean
-- column detail json null
SELECT m.snapshot_timestamp AS changed_at, m.object_name AS what, m.metric_value > 0 AS helped, m.detail
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND m.metric_name = 'procedure_change'
   AND m.object_name IS NOT NULL
   AND m.snapshot_timestamp >= :since
   AND m.snapshot_timestamp >= coalesce((SELECT max(e.event_timestamp)
                                           FROM branch_lifecycle e
                                          WHERE e.project_id = :project
                                            AND e.branch_id = :branch
                                            AND e.event_type = 'created'), :since)
 ORDER BY m.snapshot_timestamp DESC, m.object_name
 LIMIT :most
