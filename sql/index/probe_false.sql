-- summary: rows that are not marked
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param column identifier
NOT p.:column
