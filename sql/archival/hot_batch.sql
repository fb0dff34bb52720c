-- summary: what there is now of the rows of a batch
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param digest sql like 1::int8
-- param scope sql like true
-- column rows integer
-- column digest integer
SELECT count(*) AS rows,
       coalesce(sum(:digest), 0)::int8 AS digest
  FROM :schema.:table t
 WHERE :scope
