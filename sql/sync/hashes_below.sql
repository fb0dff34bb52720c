-- summary: rows whose keys have a digest below that, or that have no key
-- kind: fragment
-- param hash sql like 7
-- param high integer
-- example: SELECT 1 FROM pg_class AS t WHERE true :fragment
AND coalesce(:hash, 0) < :high
