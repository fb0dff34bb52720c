-- summary: which batches of an archive hold rows of which something is true
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param condition sql like true
-- column batch text
-- column rows integer
SELECT t.lbops_batch AS batch, count(*) AS rows
  FROM :catalog.:schema.:name AS t
 WHERE :condition
 GROUP BY t.lbops_batch
