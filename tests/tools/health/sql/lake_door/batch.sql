-- summary: what the lakehouse has of a batch
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param batch text
-- param wanted sql null
-- column batch text
-- column rows integer
-- column first integer null
SELECT t.lbops_batch AS batch, count(*) AS rows, min(t.id) AS first
  FROM :catalog.:schema.:name AS t
 WHERE t.lbops_batch = :batch :wanted
 GROUP BY t.lbops_batch
