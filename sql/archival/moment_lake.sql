-- summary: a point in time of an archive as microseconds
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
unix_micros(t.:column)
