-- summary: digests of some rows of a copy, and of each of their columns
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param forms sql[] like t.relname AS c1, t.relname AS k
-- param cells sql like f.c1
-- param marks sql like f.c1
-- param keys text[]
-- param condition sql null
-- column row_key text
-- column digest text
-- column marks text
SELECT f.k AS row_key, substr(md5(:cells), 1, 15) AS digest, :marks AS marks
  FROM (SELECT :forms FROM :catalog.:schema.:name AS t WHERE true :condition) AS f
 WHERE f.k IN (:keys)
