-- summary: whole numbers, text, booleans, uuid and json of a server, in the form that is compared
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(t.:column AS text)
