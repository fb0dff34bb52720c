-- summary: a date as days
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN isfinite(t.:column) THEN CAST(t.:column - DATE '1970-01-01' AS text) ELSE CAST(t.:column AS text) END
