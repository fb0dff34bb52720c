-- summary: the same as text
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- param column identifier like oid
t.:column::text
