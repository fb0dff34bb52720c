-- summary: a point in time for a copy, from microseconds
-- kind: fragment
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS s
timestamp_micros(CAST(s.:name AS BIGINT))
