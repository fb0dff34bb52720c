-- summary: a few rows from all over a table, as documents
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param percent number
-- param most integer
-- column doc json
SELECT to_jsonb(t) AS doc
  FROM :schema.:table t TABLESAMPLE SYSTEM (:percent)
 LIMIT :most
