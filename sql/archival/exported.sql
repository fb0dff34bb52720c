-- summary: what the lakehouse holds of batches: rows, and the sum of their digests
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param batches text[]
-- column batch text
-- column rows integer
-- column digest integer
SELECT a.lbops_batch AS batch, count(*) AS rows, CAST(sum(a.lbops_digest) AS BIGINT) AS digest
  FROM :catalog.:schema.:name a
 WHERE a.lbops_batch IN (:batches)
 GROUP BY a.lbops_batch
