-- summary: a column of a table on the server, among those of a view
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS h
h.:column
