-- summary: one condition more
-- kind: fragment
-- example: SELECT * FROM t p :fragment
-- param conditions sql like WHERE p.x = 1
-- param condition sql like p.y = 1
:conditions AND :condition
