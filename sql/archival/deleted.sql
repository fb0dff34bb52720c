-- summary: archivals whose batches were deleted since a step, summed for each, also those that were brought back before this was told
-- kind: read
-- server: 15-18
-- param after_step integer
-- column archival text
-- column source_schema text
-- column source_table text
-- column lake_catalog text
-- column lake_schema text
-- column lake_table text
-- column threshold_days number
-- column cutoff timestamp
-- column batches integer
-- column rows integer
-- column digest numeric
-- column last_step integer
-- column deleted_at timestamp
SELECT b.archival,
       b.source_schema,
       b.source_table,
       b.lake_catalog,
       b.lake_schema,
       b.lake_table,
       b.threshold_days,
       b.cutoff,
       count(*) AS batches,
       sum(s.rows)::int8 AS rows,
       sum(s.digest) AS digest,
       max(s.id) AS last_step,
       max(s.recorded_at) AS deleted_at
  FROM lbops_archive.steps s
  JOIN lbops_archive.batches b ON b.batch = s.batch
 WHERE (s.state = 'deleted' OR (s.state = 'given_up' AND s.checksum = 'restored'))
   AND s.id > :after_step
 GROUP BY b.archival, b.source_schema, b.source_table, b.lake_catalog, b.lake_schema, b.lake_table, b.threshold_days, b.cutoff
 ORDER BY last_step
