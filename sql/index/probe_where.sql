-- summary: the first condition of a search
-- kind: fragment
-- example: SELECT * FROM t p :fragment
-- param condition sql like p.x = 1
WHERE :condition
