-- summary: a column of arrays as JSON
-- kind: fragment
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS r
CAST(to_jsonb(r.:name) AS text)
