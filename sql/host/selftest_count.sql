-- summary: how many rows a self-test's table has
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- column rows integer
SELECT count(*) AS rows FROM :schema.:table
