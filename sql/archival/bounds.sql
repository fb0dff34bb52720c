-- summary: where batches of the cold rows end: the key of each last row, and how many rows lie before it in all
-- kind: read
-- server: 15-18
-- note: one pass over the key, in which only the last rows of batches are printed. A row weighs its bytes, and row_weight
-- note: at least; a batch ends with the row that fills another batch_weight.
-- param keys sql[] like t.oid
-- param texts sql[] like t.oid::text
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param scope sql like true
-- param row_weight integer
-- param fixed_bytes integer
-- param more_bytes sql null like + 1
-- param batch_weight integer
-- param max_rows integer
-- column up_to text[]
-- column rows integer
SELECT ARRAY[:texts]::text[] AS up_to, t.lbops_place AS rows
  FROM (SELECT :keys, t.lbops_weight, row_number() OVER by_key AS lbops_place, lead(true) OVER by_key IS NULL AS lbops_is_last,
               (sum(t.lbops_weight) OVER (by_key ROWS UNBOUNDED PRECEDING))::int8 AS lbops_weight_so_far
          FROM (SELECT :keys, greatest(:row_weight, :fixed_bytes :more_bytes) AS lbops_weight
                  FROM :schema.:table t
                 WHERE :scope
                 ORDER BY :keys
                 LIMIT :max_rows) t
        WINDOW by_key AS (ORDER BY :keys)) t
 WHERE t.lbops_weight_so_far / :batch_weight > (t.lbops_weight_so_far - t.lbops_weight) / :batch_weight
    OR t.lbops_is_last
 ORDER BY t.lbops_place
