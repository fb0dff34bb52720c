-- summary: a digest of each column of some rows of a copy
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param forms sql[] like t.relname AS c1, t.relname AS k
-- param marks sql like f.c1
-- param keys text[]
-- param condition sql null
-- column row_key text
-- column cells text
SELECT f.k AS row_key, :marks AS cells
  FROM (SELECT :forms FROM :catalog.:schema.:name AS t WHERE true :condition) AS f
 WHERE f.k IN (:keys)
