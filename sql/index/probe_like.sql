-- summary: texts with a piece of another one in them
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param schema identifier
-- param table identifier
-- param column identifier
p.:column LIKE (SELECT '%' || substr(v.:column, greatest(length(v.:column) / 2 - 2, 1), 5) || '%'
                   FROM :schema.:table v WHERE length(v.:column) > 5 LIMIT 1)
