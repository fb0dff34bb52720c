-- summary: one figure of a branch as evaluations saw it, of each object in the order of time
-- kind: history
-- note: some figures are read each minute and held against limits every five: of five minutes the last reading stands,
-- note: so that what counts evaluations counts them here. Where there are more than :most, the newest are told.
-- param project text
-- param branch text
-- param metric text
-- param since timestamp
-- param most integer
-- param with_detail boolean
-- column read_at timestamp
-- column value number
-- column object text null
-- column detail json null
SELECT t.read_at, t.value, t.object, t.detail
  FROM (SELECT e.read_at, e.value, e.object, e.detail
          FROM (SELECT m.snapshot_timestamp AS read_at,
                       m.metric_value AS value,
                       m.object_name AS object,
                       CASE WHEN :with_detail THEN m.detail END AS detail,
                       row_number() OVER (PARTITION BY m.object_name,
                                                       date_trunc('hour', m.snapshot_timestamp),
                                                       floor(extract(MINUTE FROM m.snapshot_timestamp) / 5)
                                              ORDER BY m.snapshot_timestamp DESC) AS place
                  FROM lakebase_metrics m
                 WHERE m.project_id = :project
                   AND m.branch_id = :branch
                   AND m.metric_name = :metric
                   AND m.threshold_level IS NOT NULL
                   AND m.snapshot_timestamp >= :since) e
         WHERE e.place = 1
         ORDER BY e.read_at DESC
         LIMIT :most) t
 ORDER BY t.object NULLS FIRST, t.read_at
