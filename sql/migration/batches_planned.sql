-- summary: where the batches of a statement will end that are not done yet, in their order
-- kind: read
-- server: 15-18
-- param begun integer
-- param done integer
-- column key text[]
SELECT b.key
  FROM lbops_migration.batches b
 WHERE b.begun = :begun
   AND b.number < - (:done)
 ORDER BY b.number DESC
