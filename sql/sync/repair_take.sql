-- summary: a value for a copy, from its text
-- kind: fragment
-- param name identifier
-- param type sqltype
-- example: SELECT :fragment FROM pg_class AS s
CAST(s.:name AS :type)
