-- summary: values that hold all of another one
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param schema identifier
-- param table identifier
-- param column identifier
p.:column @> (SELECT v.:column FROM :schema.:table v WHERE v.:column IS NOT NULL LIMIT 1)
