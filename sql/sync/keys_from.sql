-- summary: rows with a key of that or above
-- kind: fragment
-- param key identifier like oid
-- param low integer
-- example: SELECT 1 FROM pg_class AS t WHERE true :fragment
AND t.:key >= :low
