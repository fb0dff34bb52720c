-- summary: how far a statement has come that is executed in batches; none: it is not known where the last one ends
-- kind: read
-- server: 15-18
-- param begun integer
-- column up_to text[]
-- column last text[] null
-- column batches integer
-- column rows integer
SELECT f.key AS up_to,
       (SELECT b.key FROM lbops_migration.batches b WHERE b.begun = f.begun AND b.number > 0 ORDER BY b.number DESC LIMIT 1) AS last,
       (SELECT max(b.number) FROM lbops_migration.batches b WHERE b.begun = f.begun) AS batches,
       (SELECT sum(b.rows)::int8 FROM lbops_migration.batches b WHERE b.begun = f.begun) AS rows
  FROM lbops_migration.batches f
 WHERE f.begun = :begun
   AND f.number = 0
