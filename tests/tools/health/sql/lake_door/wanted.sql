-- summary: rows from an id on
-- kind: fragment
-- param first integer
-- example: SELECT 1 FROM t WHERE true :fragment
AND t.id >= :first
