-- summary: the rows of a batch with two digests of each: what it is here to the last bit, and what its values are anywhere
-- kind: fragment
-- example: SELECT 1 FROM (:fragment) x
-- param columns sql[]
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param digest sql like 1::int8
-- param row_values sql like 'x'
-- param scope sql like true
SELECT :columns, :digest AS lbops_digest, :row_values AS lbops_values FROM :schema.:table t WHERE :scope
