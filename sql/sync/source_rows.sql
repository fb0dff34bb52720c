-- summary: keys and digests of the rows in some parts of a table
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, '' AS b, t.oid::text AS k
-- param cells sql like f.c1
-- param parts_of sql null like LEFT JOIN generate_series(0, 1) AS p(b) ON true
-- param condition sql null
-- param parts text[]
-- param most integer
-- column row_key text
-- column digest text
SELECT f.k AS row_key, substr(md5(:cells), 1, 15) AS digest
  FROM (SELECT :forms FROM :schema.:name AS t :parts_of WHERE true :condition) AS f
 WHERE coalesce(CAST(f.b AS text), '~') = ANY (:parts)
 LIMIT :most
