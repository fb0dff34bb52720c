-- summary: rows without a value
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param column identifier
p.:column IS NULL
