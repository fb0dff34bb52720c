-- summary: the metrics that history has of either of two branches, whenever that was
-- kind: history
-- param project text
-- param branch text
-- param other text
-- column metric_name text
SELECT m.metric_name
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id IN (:branch, :other)
 GROUP BY m.metric_name
 ORDER BY m.metric_name
 LIMIT 1000
