-- summary: what the lakehouse holds of batches: rows, the sum of their digests, and rows whose values are not those that left
-- kind: lake
-- note: the digest of values is made anew, of what is read back. A row that has none was copied before there was one: it is
-- note: unproven.
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param cells sql
-- param key sql
-- param batches text[]
-- column batch text
-- column rows integer
-- column digest integer
-- column altered integer
-- column altered_key text null
-- column unproven integer
SELECT r.batch AS batch,
       count(*) AS rows,
       CAST(sum(r.digest) AS BIGINT) AS digest,
       count(r.altered_key) AS altered,
       min(r.altered_key) AS altered_key,
       count(*) - count(r.kept) AS unproven
  FROM (SELECT t.lbops_batch AS batch,
               t.lbops_digest AS digest,
               t.lbops_values AS kept,
               CASE WHEN t.lbops_values = substr(md5(:cells), 1, 16) THEN NULL ELSE :key END AS altered_key
          FROM :catalog.:schema.:name AS t
         WHERE t.lbops_batch IN (:batches)) AS r
 GROUP BY r.batch
