-- summary: a digest of a key in the lakehouse, where the key itself may name a person
-- kind: fragment
-- param key sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
md5(:key)
