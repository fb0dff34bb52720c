-- summary: where batches of the cold rows end: the key of each last row, and how many rows lie before it in all
-- kind: read
-- server: 15-18
-- note: one pass over the key, in which only the last rows of batches are printed.
-- param keys sql[] like t.oid
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- param batch_rows integer
-- param max_rows integer
-- column up_to text[]
-- column rows integer
SELECT ARRAY[:texts]::text[] AS up_to, t.lbops_place AS rows
  FROM (SELECT :keys, row_number() OVER by_key AS lbops_place, lead(true) OVER by_key IS NULL AS lbops_is_last
          FROM :schema.:table t
         WHERE :scope
        WINDOW by_key AS (ORDER BY :keys)
         ORDER BY :keys
         LIMIT :max_rows) t
 WHERE t.lbops_place % :batch_rows = 0
    OR t.lbops_place = :max_rows
    OR t.lbops_is_last
 ORDER BY t.lbops_place
