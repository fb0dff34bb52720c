-- summary: the number that the digest of a copy's key begins with, of 4096
-- kind: fragment
-- param key sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
CAST(conv(substr(md5(:key), 1, 3), 16, 10) AS BIGINT)
