-- summary: a column of the table that is archived
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- param column identifier like oid
t.:column
