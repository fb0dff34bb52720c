-- summary: the number that the digest of a key begins with, of 4096
-- kind: fragment
-- param key sql like t.relname
-- example: SELECT :fragment FROM pg_class AS t
CAST(CAST('x' || substr(md5(:key), 1, 3) AS bit(12)) AS integer)
