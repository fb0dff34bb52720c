-- summary: keys and digests of the rows in some parts of a copy
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param forms sql[] like t.relname AS c1, '' AS b, t.relname AS k
-- param cells sql like f.c1
-- param condition sql null
-- param parts text[]
-- param most integer
-- column row_key text
-- column digest text
SELECT f.k AS row_key, substr(md5(:cells), 1, 15) AS digest
  FROM (SELECT :forms FROM :catalog.:schema.:name AS t WHERE true :condition) AS f
 WHERE f.b IN (:parts)
 LIMIT CAST(:most AS INT)
