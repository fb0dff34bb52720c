-- summary: a part of a key, from its text
-- kind: fragment
-- example: SELECT :fragment
-- param value text
-- param type definition
CAST(:value::text AS :type)
