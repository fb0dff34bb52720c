-- summary: a digest of each column of some rows of a table
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, t.oid::text AS k
-- param marks sql like f.c1
-- param keys text[]
-- param condition sql null
-- column row_key text
-- column cells text
SELECT f.k AS row_key, :marks AS cells
  FROM (SELECT :forms FROM :schema.:name AS t WHERE true :condition) AS f
 WHERE f.k = ANY (:keys)
