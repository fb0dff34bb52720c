-- summary: what there is now of the rows of a batch
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- column rows integer
-- column digest integer
SELECT count(*) AS rows,
       coalesce(sum(('x' || left(md5((t.*)::text), 12))::bit(48)::int8), 0)::int8 AS digest
  FROM :schema.:table t
 WHERE :scope
