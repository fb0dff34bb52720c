-- summary: how many rows a table has
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- column rows integer
SELECT count(*) AS rows
  FROM :schema.:name AS t
