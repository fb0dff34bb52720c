-- summary: bytes
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
encode(t.:column, 'hex')
