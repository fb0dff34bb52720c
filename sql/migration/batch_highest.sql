-- summary: the last key of a table
-- kind: read
-- server: 15-18
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param downwards sql[] like t.oid DESC
-- column key text[]
SELECT ARRAY[:texts]::text[] AS key FROM :schema.:table t ORDER BY :downwards LIMIT 1
