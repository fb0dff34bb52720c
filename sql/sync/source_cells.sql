-- summary: digests of some rows of a table, and of each of their columns
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, t.oid::text AS k
-- param cells sql like f.c1
-- param marks sql like f.c1
-- param keys text[]
-- param condition sql null
-- column row_key text
-- column digest text
-- column marks text
SELECT f.k AS row_key, substr(md5(:cells), 1, 15) AS digest, :marks AS marks
  FROM (SELECT :forms FROM :schema.:name AS t WHERE true :condition) AS f
 WHERE f.k = ANY (:keys)
