-- summary: rows with a key below that, or with none
-- kind: fragment
-- param key identifier like oid
-- param high integer
-- example: SELECT 1 FROM pg_class AS t WHERE true :fragment
AND (t.:key < :high OR t.:key IS NULL)
