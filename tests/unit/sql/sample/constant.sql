-- summary: a constant with a name
-- kind: fragment
-- example: SELECT :fragment
-- param value text
-- param name identifier
:value::text AS :name
