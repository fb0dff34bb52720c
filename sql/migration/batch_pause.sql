-- summary: rests for about as long as a batch has taken, so that others come to their turn
-- kind: change
-- server: 15-18
-- param begun integer
-- param number integer
SELECT pg_sleep(0.75 * extract(epoch FROM b.ended_at - b.began_at)::float8)
  FROM lbops_migration.batches b
 WHERE b.begun = :begun
   AND b.number = :number
