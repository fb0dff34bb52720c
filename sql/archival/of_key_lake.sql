-- summary: the row of a key, its parts each with a ; behind it
-- kind: fragment
-- param key sql like t.relname
-- param value text
-- example: SELECT 1 FROM pg_class AS t WHERE :fragment
:key = :value
