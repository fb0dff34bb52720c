-- summary: documents that have a key
-- kind: fragment
-- example: SELECT * FROM t p WHERE :fragment
-- param schema identifier
-- param table identifier
-- param column identifier
p.:column ? (SELECT jsonb_object_keys(v.:column) FROM :schema.:table v WHERE jsonb_typeof(v.:column) = 'object' LIMIT 1)
