-- summary: a point in time as microseconds
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN isfinite(t.:column) THEN CAST(CAST(extract(epoch FROM t.:column) * 1000000 AS bigint) AS text)
     ELSE CAST(t.:column AS text) END
