-- summary: the latest change of a copy that is not ahead of the time, and how many are
-- kind: lake
-- note: asked only where the latest change of all is; that one is known without a look at the rows.
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param column identifier
-- param believable timestamp
-- column ahead integer
-- column latest timestamp null
SELECT count(CASE WHEN t.:column > :believable THEN 1 END) AS ahead,
       max(CASE WHEN t.:column <= :believable THEN t.:column END) AS latest
  FROM :catalog.:schema.:name AS t
