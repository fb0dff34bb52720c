-- summary: the key at which a batch of so many rows ends; none: there are no more than these
-- kind: read
-- server: 15-18
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param after sql null like AND true
-- param up_to sql like AND true
-- param keys sql[] like t.oid
-- param before integer
-- column key text[]
SELECT ARRAY[:texts]::text[] AS key
  FROM :schema.:table t
 WHERE true :after :up_to
 ORDER BY :keys
OFFSET :before
 LIMIT 1
