-- summary: which tables have rows in the lakehouse, and where
-- kind: read
-- server: 15-18
-- column source_schema text
-- column source_table text
-- column lake_catalog text
-- column lake_schema text
-- column lake_table text
SELECT b.source_schema, b.source_table, b.lake_catalog, b.lake_schema, b.lake_table
  FROM lbops_archive.batches b
  JOIN lbops_archive.steps s ON s.batch = b.batch AND s.state IN ('exported', 'deleted')
 GROUP BY b.source_schema, b.source_table, b.lake_catalog, b.lake_schema, b.lake_table
 ORDER BY b.source_schema, b.source_table, max(b.planned_at) DESC
