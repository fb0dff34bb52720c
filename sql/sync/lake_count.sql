-- summary: how many rows a copy has
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param condition sql null
-- column rows integer
SELECT count(*) AS rows
  FROM :catalog.:schema.:name AS t
 WHERE true :condition
