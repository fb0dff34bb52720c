-- summary: the rows of a batch in the lakehouse, each as one text of its cells
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param cells sql like t.relname
-- param batch text
-- column line text
SELECT :cells AS line
  FROM :catalog.:schema.:name AS t
 WHERE t.lbops_batch = :batch
 ORDER BY line
