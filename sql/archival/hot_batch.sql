-- summary: what there is now of the rows of a batch
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- column rows integer
-- column digest integer
SELECT count(*) AS rows,
       coalesce(sum(hashtextextended((t.*)::text, 0) & 1099511627775), 0)::int8 AS digest
  FROM :schema.:table t
 WHERE :scope
