-- summary: a column of the table that is searched
-- kind: fragment
-- example: SELECT :fragment FROM t p
-- param column identifier
p.:column
