-- summary: rows of a table by their keys: the digest that is compared, and the values that a copy is given, as JSON
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, t.oid::text AS k
-- param cells sql like f.c1
-- param sent sql[] like t.relname::text AS c1
-- param keys text[]
-- param condition sql null
-- column row_key text
-- column digest text
-- column sent text
SELECT f.k AS row_key, substr(md5(:cells), 1, 15) AS digest, f.sent
  FROM (SELECT :forms, CAST((SELECT to_json(v.*) FROM (SELECT :sent) AS v) AS text) AS sent
          FROM :schema.:name AS t
         WHERE true :condition) AS f
 WHERE f.k = ANY (:keys)
