-- summary: a part of a copy: rows whose keys have digests that begin with the same number
-- kind: fragment
-- param key sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
conv(substr(md5(:key), 1, 3), 16, 10)
