-- summary: the first few rows in an order
-- kind: fragment
-- example: SELECT * FROM t p :fragment
-- param columns sql[] like x DESC
ORDER BY :columns LIMIT 20
