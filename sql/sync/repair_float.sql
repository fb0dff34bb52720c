-- summary: floats of a server as the shortest text that is read back as they are
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(CAST(t.:column AS float8) AS text)
