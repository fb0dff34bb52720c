-- summary: the rows of a batch with a digest of each
-- kind: fragment
-- example: SELECT 1 FROM (:fragment) x
-- param columns sql[]
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param digest sql like 1::int8
-- param scope sql like true
SELECT :columns, :digest AS lbops_digest FROM :schema.:table t WHERE :scope
