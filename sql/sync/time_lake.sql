-- summary: a point in time as microseconds
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(unix_micros(t.:column) AS STRING)
