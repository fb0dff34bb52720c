-- summary: whether a table holds a row
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- column found boolean
SELECT EXISTS (SELECT FROM :schema.:table) AS found
