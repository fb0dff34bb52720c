-- summary: rows whose keys have a digest of that or above
-- kind: fragment
-- param hash sql like 7
-- param low integer
-- example: SELECT 1 FROM pg_class AS t WHERE true :fragment
AND :hash >= :low
