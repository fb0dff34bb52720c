-- summary: a row without a key: the digest of all of it
-- kind: fragment
-- param key sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
md5(:key)
