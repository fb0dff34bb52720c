-- summary: rows that are marked
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param column identifier
p.:column
