-- summary: where batches of the cold rows end: the key of each last row, and how many rows lie before it in all
-- kind: read
-- server: 15-18
-- param keys sql[] like t.oid
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- param batch_rows integer
-- param max_rows integer
-- column up_to text[]
-- column rows integer
SELECT n.up_to, n.place AS rows
  FROM (SELECT c.up_to, c.place, lead(c.place) OVER (ORDER BY c.place) IS NULL AS is_last
          FROM (SELECT ARRAY[:texts]::text[] AS up_to, row_number() OVER (ORDER BY :keys) AS place
                  FROM :schema.:table t
                 WHERE :scope
                 ORDER BY :keys
                 LIMIT :max_rows) c) n
 WHERE n.place % :batch_rows = 0
    OR n.is_last
 ORDER BY n.place
