-- summary: a column of an archive, among those of a view
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS c
c.:column
