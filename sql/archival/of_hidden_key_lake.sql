-- summary: the same where the archive's key is told by its digest
-- kind: fragment
-- param key sql like t.relname
-- param value text
-- example: SELECT 1 FROM pg_class AS t WHERE :fragment
:key = md5(:value)
