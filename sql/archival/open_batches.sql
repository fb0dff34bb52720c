-- summary: batches of a table that are neither deleted nor given up, in the order of their keys
-- kind: read
-- server: 15-18
-- param source_id integer as oid
-- column batch text
-- column archival text
-- column place integer
-- column lake_catalog text
-- column lake_schema text
-- column lake_table text
-- column time_column text
-- column threshold_days number
-- column cutoff timestamp
-- column after_key text[] null
-- column up_to_key text[]
-- column is_exported boolean
-- column rows integer null
-- column digest integer null
-- column bytes integer null
-- column checksum text null
-- column version integer null
SELECT b.batch,
       b.archival,
       b.place::int8 AS place,
       b.lake_catalog,
       b.lake_schema,
       b.lake_table,
       b.time_column,
       b.threshold_days,
       b.cutoff,
       b.after_key,
       b.up_to_key,
       e.id IS NOT NULL AS is_exported,
       e.rows AS rows,
       e.digest AS digest,
       e.bytes AS bytes,
       e.checksum AS checksum,
       e.version AS version
  FROM lbops_archive.batches b
  LEFT JOIN lbops_archive.steps e ON e.batch = b.batch AND e.state = 'exported'
 WHERE b.source_id = :source_id
   AND NOT EXISTS (SELECT FROM lbops_archive.steps s WHERE s.batch = b.batch AND s.state IN ('deleted', 'given_up'))
 ORDER BY b.archival, b.place
