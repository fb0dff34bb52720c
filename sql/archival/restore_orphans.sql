-- summary: how many rows of the lakehouse refer to a row that is not there
-- kind: read
-- server: 15-18
-- param came sql like SELECT 1::oid AS oid
-- param child sql[] like c.oid
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param parent sql[] like t.oid
-- column rows integer
SELECT count(*) AS rows
  FROM (:came) AS c
 WHERE (:child) IS NOT NULL
   AND NOT EXISTS (SELECT FROM :schema.:table t WHERE (:parent) = (:child))
