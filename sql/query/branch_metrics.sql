-- summary: metrics of two branches side by side: the mean of each over the same time
-- kind: history
-- note: an empty metric stands for all that are measured: what procedures have changed (procedure_change) is not; a counter only grows, so that its mean says nothing: see branch_counters.
-- param project text
-- param branch text
-- param other text
-- param metric text
-- param since timestamp
-- column metric_name text
-- column object_name text null
-- column unit text null
-- column here number
-- column there number
-- column here_readings integer
-- column there_readings integer
SELECT m.metric_name,
       m.object_name,
       max(m.unit) AS unit,
       avg(CASE WHEN m.branch_id = :branch THEN m.metric_value END) AS here,
       avg(CASE WHEN m.branch_id = :other THEN m.metric_value END) AS there,
       count(CASE WHEN m.branch_id = :branch THEN 1 END) AS here_readings,
       count(CASE WHEN m.branch_id = :other THEN 1 END) AS there_readings
  FROM lakebase_metrics m
 WHERE m.project_id = :project
   AND m.branch_id IN (:branch, :other)
   AND m.snapshot_timestamp >= :since
   AND (m.kind IS NULL OR m.kind <> 'counter')
   AND (m.metric_name = :metric OR (:metric = '' AND m.metric_name <> 'procedure_change'))
 GROUP BY m.metric_name, m.object_name
HAVING count(CASE WHEN m.branch_id = :branch THEN 1 END) > 0
   AND count(CASE WHEN m.branch_id = :other THEN 1 END) > 0
 ORDER BY m.metric_name, m.object_name NULLS FIRST
