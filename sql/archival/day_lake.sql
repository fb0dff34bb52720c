-- summary: a date of an archive as the microseconds at which it begins
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(unix_date(t.:column) AS BIGINT) * 86400000000
