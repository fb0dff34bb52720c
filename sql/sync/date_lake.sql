-- summary: a date as days
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(unix_date(t.:column) AS STRING)
