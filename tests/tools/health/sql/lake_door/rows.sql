-- summary: rows of a table from an id on
-- kind: fragment
-- param columns identifier[]
-- param source identifier
-- param first integer
-- example: :fragment
SELECT :columns
  FROM :source
 WHERE id >= :first
 ORDER BY id
