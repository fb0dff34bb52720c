-- summary: writes down where the batches of a statement will end that a person is asked for, so that the question stays the same
-- kind: change
-- server: 15-18
-- note: in one pass over the key. What is to be has a number below zero; the last batch ends where all of them do.
-- param begun integer
-- param texts sql[] like t.oid::text
-- param keys sql[] like t.oid
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param within sql like AND true
-- param batch_rows integer
INSERT INTO lbops_migration.batches (begun, number, key, rows)
SELECT :begun, -(t.lbops_place / :batch_rows), ARRAY[:texts]::text[], 0
  FROM (SELECT :keys, row_number() OVER (ORDER BY :keys) AS lbops_place
          FROM :schema.:table t
         WHERE true :within) t
 WHERE t.lbops_place % :batch_rows = 0
ON CONFLICT DO NOTHING
