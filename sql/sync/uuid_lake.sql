-- summary: uuid of a copy
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
lower(CAST(t.:column AS STRING))
