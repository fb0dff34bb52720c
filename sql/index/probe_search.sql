-- summary: a search like those of the statements
-- kind: fragment
-- example: EXPLAIN :fragment
-- param wanted sql[] like p.*
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param condition sql null like WHERE p.relname = ''
-- param ordering sql null like ORDER BY p.relname LIMIT 10
SELECT :wanted FROM :schema.:table p :condition :ordering
