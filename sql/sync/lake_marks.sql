-- summary: how many rows a copy has, and its latest change
-- kind: lake
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param column identifier
-- column rows integer
-- column latest timestamp null
SELECT count(*) AS rows, max(t.:column) AS latest
  FROM :catalog.:schema.:name AS t
