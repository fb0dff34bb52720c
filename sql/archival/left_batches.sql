-- summary: batches of a table, what became of each, and what had left with those that are in the lakehouse now
-- kind: read
-- server: 15-18
-- note: contested: of two tables that are there one has the number of that which the rows left, and the other its name.
-- param table_id integer as oid
-- param schema text
-- param name text
-- param names text[] null
-- column batch text
-- column archival text
-- column lake_catalog text
-- column lake_schema text
-- column lake_table text
-- column time_column text
-- column state text
-- column rows integer null
-- column digest integer null
-- column left_at timestamp null
SELECT b.batch,
       b.archival,
       b.lake_catalog,
       b.lake_schema,
       b.lake_table,
       b.time_column,
       CASE WHEN d.id IS NOT NULL
             AND EXISTS (SELECT
                           FROM pg_class o
                           JOIN pg_namespace n ON n.oid = o.relnamespace
                          WHERE o.relkind IN ('r', 'p')
                            AND o.oid <> :table_id
                            AND (o.oid = b.source_id OR (n.nspname = b.source_schema AND o.relname = b.source_table)))
            THEN 'contested'
            WHEN d.id IS NOT NULL THEN 'deleted'
            WHEN g.checksum = 'restored' THEN 'restored'
            WHEN g.id IS NOT NULL THEN 'given_up'
            ELSE 'open' END AS state,
       d.rows,
       d.digest,
       d.recorded_at AS left_at
  FROM lbops_archive.batches b
  LEFT JOIN lbops_archive.steps d ON d.batch = b.batch AND d.state = 'deleted'
  LEFT JOIN lbops_archive.steps g ON g.batch = b.batch AND g.state = 'given_up'
 WHERE (b.source_id = :table_id OR (b.source_schema = :schema AND b.source_table = :name))
   AND (:names::text[] IS NULL OR b.batch = ANY (:names) OR b.archival = ANY (:names))
 ORDER BY b.archival, b.place
