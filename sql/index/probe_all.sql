-- summary: all columns of the table that is searched
-- kind: fragment
-- example: SELECT :fragment FROM t p
p.*
