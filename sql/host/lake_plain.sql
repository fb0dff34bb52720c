-- summary: a column as the server prints it
-- kind: fragment
-- param name identifier
-- example: SELECT :fragment FROM pg_class AS r
r.:name
